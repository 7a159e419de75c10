import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { CliFailure } from "./failure.ts";
import { openInput, type Format } from "./send-input.ts";

let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), "mainstem-send-"))));
after(() => rm(folder, { recursive: true }));

async function open(name: string, content: string | Buffer, format?: Format) {
  const file = join(folder, name);
  await writeFile(file, content);
  const input = await openInput(file, { format, dataset: "shop.orders", signal: new AbortController().signal });
  const parts: Buffer[] = [];
  for await (const part of input.source) parts.push(part);
  assert.equal(Buffer.concat(parts).toString("latin1"), Buffer.from(content).toString("latin1"), name);
  return input.format;
}

test("says what is in a file by its ending or beginning, and gives all of it", async () => {
  assert.equal(await open("a", '\n {"id":1}'), "ndjson");
  assert.equal(await open("a", '\n [{"id":1}]'), "json");
  assert.equal(await open("a.json", '{"id":1}'), "json");
  assert.equal(await open("a", '{ \r\n  "id": 1\n}\n'), "json");
  assert.equal(await open("a.csv", "[id]\n1\n"), "csv");
  assert.equal(await open("a.tsv", ""), "csv");
  assert.equal(await open("a.csv", "{}", "ndjson"), "ndjson");
});

test("refuses what is compressed, and says how to send it", async () => {
  const remedyOf = async (name: string, content: Buffer, format?: Format): Promise<string> => {
    const failure = await open(name, content, format).then(
      () => assert.fail(name),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof CliFailure && failure.code === "cli.file" && /is compressed \(/.test(failure.message), String(failure));
    return (failure.remedy ?? "").replace(folder, "");
  };
  assert.equal(await remedyOf("a.ndjson.gz", gzipSync("{}")), "Unpack it on the way: gunzip -c /a.ndjson.gz | mainstem send shop.orders");
  assert.match(await remedyOf("a.csv.gz", gzipSync("id\n1\n")), /gunzip -c \S+ \| mainstem send shop\.orders --format csv$/);
  assert.match(await remedyOf("a.tsv.zst", zstdCompressSync("id\n1\n")), /zstd -dc .* --format csv --delimiter tab$/);
  assert.match(await remedyOf("a.csv", gzipSync("id\n1\n"), "csv"), /gunzip -c .* --format csv$/);
  assert.match(await remedyOf("a.zip", Buffer.from("PK\x03\x04 and so on")), /unzip -p /);
});
