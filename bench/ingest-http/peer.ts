// What one would write without a platform: JSON.parse, avsc, an append to a file, one fdatasync for all that wait for it.
import { createServer, type ServerResponse } from "node:http";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import avro from "avsc";
import { serveParent } from "./child.ts";
import { eventSchema } from "./events.ts";

const directory = await mkdtemp(join(tmpdir(), "mainstem-bench-"));
const file = await open(join(directory, "log"), "a");
const type = avro.Type.forSchema(eventSchema as never, { wrapUnions: false });

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
let line: Waiting[] = [];
let writing = false;

async function write(): Promise<void> {
  writing = true;
  while (line.length > 0) {
    const group = line;
    line = [];
    try {
      await file.writev(group.map(({ bytes }) => bytes));
      await file.datasync();
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
  writing = false;
}

function append(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    line.push({ bytes, resolve, reject });
    if (!writing) void write();
  });
}

function encode(body: Buffer): { readonly accepted: readonly Buffer[]; readonly refused: readonly number[] } {
  const accepted: Buffer[] = [];
  const refused: number[] = [];
  body
    .toString("utf8")
    .split("\n")
    .filter((text) => text !== "")
    .forEach((text, index) => {
      try {
        const record: unknown = JSON.parse(text);
        if (type.isValid(record)) accepted.push(type.toBuffer(record));
        else refused.push(index);
      } catch {
        refused.push(index);
      }
    });
  return { accepted, refused };
}

async function answer(body: Buffer, response: ServerResponse): Promise<void> {
  const { accepted, refused } = encode(body);
  await append(Buffer.concat(accepted));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ accepted: accepted.length, refused }));
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => void answer(Buffer.concat(chunks), response));
});
server.listen(0, "127.0.0.1", () =>
  serveParent({
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await file.close();
      await rm(directory, { recursive: true, force: true });
    },
  }),
);
