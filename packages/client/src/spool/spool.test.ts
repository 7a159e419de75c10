import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32 } from "node:zlib";
import { ClientError } from "../client-error.ts";
import type { Batch } from "../producer/batch.ts";
import type { Outbox } from "../producer/outbox.ts";
import { encodeBatch, encodeSegmentHead } from "./frame.ts";
import { openSegment, segmentName } from "./segment.ts";
import { openSpool, type SpoolOptions } from "./spool.ts";

const dataset = "weather.readings";
const { signal } = new AbortController();
const bodies = ['{"id":"a"}\n', '{"id":"b","note":"bæ"}\n{"id":"c"}\n', '{"id":"d"}\n'];
const batches = bodies.map((body, index): Batch => ({ idempotencyKey: `run-${index}`, body: Buffer.from(body), records: body.split("\n").length - 1 }));
const frames = batches.map(encodeBatch);
const head = encodeSegmentHead(dataset);
/** Where the head and each of the batches end. */
const ends = frames.reduce((all, frame) => [...all, (all.at(-1) ?? 0) + frame.length], [head.length]);

let root: string;
before(async () => void (root = await mkdtemp(join(tmpdir(), "mainstem-spool-"))));
after(() => rm(root, { recursive: true }));

let directories = 0;
function open(options: Partial<SpoolOptions> & { readonly dataset?: string } = {}): Promise<Outbox> {
  return openSpool({ directory: join(root, `spool-${directories++}`), dataset, onProblem: (error) => assert.fail(error), ...options });
}

async function drain(outbox: Outbox): Promise<readonly string[]> {
  const found: string[] = [];
  while (outbox.size().batches > 0) {
    const { idempotencyKey, body, records } = await outbox.first({ signal });
    found.push(`${idempotencyKey} ${records} ${Buffer.from(body).toString()}`);
    await outbox.removeFirst();
  }
  return found;
}

const shown = batches.map(({ idempotencyKey, body, records }) => `${idempotencyKey} ${records} ${Buffer.from(body).toString()}`);

/** How many batches a last segment of these bytes has; they are the ones that were written. */
async function countBatches(bytes: Buffer, { isLast = true } = {}): Promise<number | string> {
  const path = join(root, segmentName(0n));
  await writeFile(path, bytes);
  try {
    const opened = await openSegment(path, { first: 0n, dataset, isLast });
    await opened?.segment.file.close();
    const left = await readFile(path);
    const kept = opened?.entries.length ?? 0;
    if (opened !== undefined) assert.deepEqual(left, Buffer.concat([head, ...frames.slice(0, kept)]));
    return kept;
  } catch (error) {
    assert.ok(error instanceof ClientError, String(error));
    assert.deepEqual(await readFile(path), bytes, "what is damaged stays as it is");
    return error.code;
  }
}

test("a segment that is cut at any byte keeps its whole batches, and no other than the last one may be cut", async () => {
  const whole = Buffer.concat([head, ...frames]);
  for (let length = 0; length <= whole.length; length++) {
    const bytes = whole.subarray(0, length);
    assert.equal(await countBatches(bytes), ends.filter((end) => end <= length).length - (length < head.length ? 0 : 1), `${length} bytes`);
    if (!ends.includes(length)) assert.equal(await countBatches(bytes, { isLast: false }), "client.spoolCorrupt", `${length} bytes`);
  }
});

test("a changed byte in front of the last batch is named, and in the last batch takes only that batch", async () => {
  const whole = Buffer.concat([head, ...frames]);
  for (let place = 0; place < whole.length; place++) {
    const bytes = Buffer.from(whole);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << (place % 8));
    assert.equal(await countBatches(bytes), place < (ends[2] ?? 0) ? "client.spoolCorrupt" : 2, `byte ${place}`);
  }
});

test("batches come back in order over restarts and segments, and what was sent does not", async () => {
  const directory = join(root, "kept");
  for (const batch of batches) {
    await using outbox = await open({ directory, segmentBytesMax: 60 });
    await outbox.add(batch, { signal });
  }
  {
    await using outbox = await open({ directory, segmentBytesMax: 60 });
    assert.equal(outbox.size().batches, 3);
    await outbox.removeFirst();
  }
  await using outbox = await open({ directory });
  assert.deepEqual(await drain(outbox), shown.slice(1));
  assert.equal((await readdir(directory)).filter((name) => name.endsWith(".spool")).length, 1, "what is sent is deleted");
});

test("a batch that was sent and is then found damaged takes none with it that comes later", async () => {
  const directory = join(root, "sent-and-damaged");
  const [one, other] = batches as [Batch, Batch];
  {
    await using outbox = await open({ directory });
    await outbox.add(one, { signal });
    await outbox.removeFirst();
  }
  await truncate(join(directory, segmentName(0n)), (ends[1] ?? 0) - 1);
  {
    await using outbox = await open({ directory });
    await outbox.add(other, { signal });
  }
  await using outbox = await open({ directory });
  assert.deepEqual(await drain(outbox), [shown[1]]);
});

test("a segment that is missing between others, or that ends early, is named", async () => {
  const directory = join(root, "missing");
  {
    await using outbox = await open({ directory, segmentBytesMax: 1 });
    for (const batch of batches) await outbox.add(batch, { signal });
  }
  const middle = join(directory, segmentName(1n));
  await copyFile(middle, join(root, "copy"));
  await truncate(middle, head.length);
  await assert.rejects(open({ directory }), { code: "client.spoolCorrupt" });
  await unlink(middle);
  await assert.rejects(open({ directory }), { code: "client.spoolCorrupt" });
  await copyFile(join(root, "copy"), middle);
  await using outbox = await open({ directory });
  assert.deepEqual(await drain(outbox), shown);
});

test("a full spool makes its writer wait, and who gives up leaves nothing there", async () => {
  const [one, two, three] = batches as [Batch, Batch, Batch];
  await using outbox = await open({ bytesMax: encodeBatch(one).length + encodeBatch(two).length });
  await outbox.add(one, { signal });
  await outbox.add(two, { signal });
  await assert.rejects(outbox.add(three, { signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
  assert.equal(outbox.size().batches, 2);
  const waiting = outbox.add(three, { signal });
  assert.equal(outbox.size().batches, 2);
  await outbox.removeFirst();
  await waiting;
  assert.deepEqual(await drain(outbox), shown.slice(1));
});

test("a batch that is larger than the limit passes alone", async () => {
  await using outbox = await open({ bytesMax: 1 });
  await outbox.add(batches[0] as Batch, { signal });
  assert.deepEqual(await drain(outbox), shown.slice(0, 1));
});

test("a spool of another dataset, or of a later layout, is not touched", async () => {
  const directory = join(root, "other");
  {
    await using outbox = await open({ directory });
    await outbox.add(batches[0] as Batch, { signal });
  }
  await assert.rejects(open({ directory, dataset: "weather.stations" }), { code: "client.spoolMismatch" });
  const payload = Buffer.from(JSON.stringify({ formatVersion: 2, dataset }));
  const later = Buffer.concat([head.subarray(0, 8), Buffer.alloc(8), payload]);
  later.writeUInt32LE(payload.length, 8);
  later.writeUInt32LE(crc32(payload, payload.length), 12);
  await writeFile(join(directory, segmentName(0n)), later);
  await assert.rejects(open({ directory }), { code: "client.spoolMismatch", facts: { path: join(directory, segmentName(0n)), formatVersion: 2 } });
  assert.deepEqual(await readFile(join(directory, segmentName(0n))), later);
});

test("a spool belongs to one process, until that is gone", async () => {
  const directory = join(root, "locked");
  const program = `import { openSpool } from ${JSON.stringify(new URL("spool.ts", import.meta.url).href)};
    globalThis.spool = await openSpool({ directory: ${JSON.stringify(directory)}, dataset: "a.b", onProblem() {} });
    console.log("open");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    assert.equal(String((await once(child.stdout, "data"))[0]), "open\n");
    await assert.rejects(open({ directory, dataset: "a.b" }), { code: "client.spoolLocked" });
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  const outbox = await open({ directory, dataset: "a.b" });
  await assert.rejects(open({ directory, dataset: "a.b" }), { code: "client.spoolLocked" });
  await outbox[Symbol.asyncDispose]();
  await (await open({ directory, dataset: "a.b" }))[Symbol.asyncDispose]();
});
