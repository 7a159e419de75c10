import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BrokenBody, readBody } from "./request-body.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What `read` makes of each of the requests, which are sent one after the other over one connection. */
async function answersOf(read: (request: IncomingMessage) => Promise<string>, bodies: readonly { readonly body: Buffer; readonly chunked?: boolean }[]) {
  const server = createServer((incoming, response) => void read(incoming).then((text) => response.end(text)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const answers: string[] = [];
  for (const { body, chunked = false } of bodies) {
    const sending = request({ port, host: "127.0.0.1", method: "POST", headers: chunked ? {} : { "content-length": body.length } });
    sending.end(body);
    const [response] = (await once(sending, "response")) as [IncomingMessage];
    answers.push(Buffer.concat(await response.toArray()).toString());
  }
  server.close();
  server.closeAllConnections();
  return answers;
}

test("a body arrives as it was sent, of known length or not, and the next on its connection too", async () => {
  const bodies = [0, 1, 65_536, 262_144, 3_000_001].flatMap((length) => [false, true].map((chunked) => ({ body: randomBytes(length), chunked })));
  const read = async (incoming: IncomingMessage) => sha256(await buffer(readBody(incoming, { idleMs: 10_000 })));
  assert.deepEqual(
    await answersOf(read, bodies),
    bodies.map(({ body }) => sha256(body)),
  );
});

test("no more is read from a connection than is asked for, and a little", async () => {
  const body = randomBytes(8_000_000);
  const read = async (incoming: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = [];
    const { bytesRead } = incoming.socket;
    let ahead = 0;
    for await (const chunk of readBody(incoming, { idleMs: 10_000 })) {
      chunks.push(chunk);
      if (chunks.length === 1) await sleep(200);
      ahead = Math.max(ahead, incoming.socket.bytesRead - bytesRead - chunks.reduce((sum, { length }) => sum + length, 0));
    }
    return `${sha256(Buffer.concat(chunks))} ${ahead < 500_000 ? "bounded" : ahead}`;
  };
  assert.deepEqual(await answersOf(read, [{ body }, { body, chunked: true }]), Array(2).fill(`${sha256(body)} bounded`));
});

test("a body of very many chunks of one byte is read in their order", async () => {
  const length = 100_000;
  const server = createServer((incoming, response) => {
    void buffer(readBody(incoming, { idleMs: 10_000 })).then((body) => response.end(sha256(body)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const body = randomBytes(length);
  const chunks = Buffer.alloc(length * 6);
  for (let index = 0; index < length; index++) chunks.write(`1\r\n \r\n`, index * 6, "latin1");
  for (let index = 0; index < length; index++) chunks[index * 6 + 3] = body[index]!;
  socket.write(
    Buffer.concat([Buffer.from("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"), chunks, Buffer.from("0\r\n\r\n")]),
  );
  const answer = (await buffer(socket)).toString();
  server.close();
  assert.ok(answer.endsWith(`\r\n\r\n${sha256(body)}`), answer.slice(0, 200));
});

/** Begins a request with `sent` of its body of a million bytes, and gives what the server does with it. */
async function begin<T>(sent: Buffer, read: (request: IncomingMessage) => Promise<T>, then: (socket: Socket) => Promise<void>): Promise<T> {
  const done = Promise.withResolvers<T>();
  const server = createServer((incoming) => void read(incoming).then(done.resolve, done.reject));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(Buffer.concat([Buffer.from("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"), sent]));
  await then(socket);
  const result = await done.promise;
  socket.destroy();
  server.close();
  server.closeAllConnections();
  return result;
}

test("what had arrived when a connection broke is read, however slow its reader", async () => {
  const sent = randomBytes(250_000);
  const read = async (incoming: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = [];
    const reading = async (): Promise<void> => {
      for await (const chunk of readBody(incoming, { idleMs: 10_000 })) if (chunks.push(chunk) === 1) await sleep(300);
    };
    await assert.rejects(reading, BrokenBody);
    return sha256(Buffer.concat(chunks));
  };
  const end = async (socket: Socket): Promise<void> => {
    await sleep(100);
    socket.end();
  };
  assert.equal(await begin(sent, read, end), sha256(sent));
});

test("who reads the rest of a body while its reader ends gets all of it", async () => {
  const read = async (incoming: IncomingMessage): Promise<number> => {
    const body = readBody(incoming, { idleMs: 10_000 });
    await body.next();
    // It waits for more, so it can end only when more has come.
    const waiting = body.next();
    const ending = body.return(undefined);
    let rest = 0;
    incoming.on("data", ({ length }: Buffer) => (rest += length)).resume();
    await once(incoming, "end");
    await Promise.all([waiting, ending]);
    return rest;
  };
  const rest = await begin(Buffer.alloc(1), read, async (socket) => {
    await sleep(100);
    for (let part = 0; part < 3; part++) {
      socket.write(Buffer.alloc(333_333));
      await sleep(50);
    }
  });
  assert.equal(rest, 999_999);
});
