import { createHash } from "node:crypto";
import { isAscii, isUtf8 } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import type { BufferPool, Log, RecordHeader } from "../log/index.ts";
import { randomId, type Env } from "../runtime/env.ts";
import { MainstemError, factsOf } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { ArrayCursor, skipSpace, spaceBefore } from "./array-cursor.ts";
import { release, takeWhole, tooLarge } from "./body.ts";
import type { ByteShare } from "./byte-budget.ts";
import { nestsDeeper } from "./depth.ts";
import type { Door } from "./door.ts";
import { digestOf, toIdempotencyHeader } from "./idempotency-header.ts";
import { Intake, notJson } from "./intake.ts";
import { inboxLane, type KeyClaim, type Prior } from "./key-index.ts";
import { Lanes, type LanesOptions } from "./lanes.ts";
import type { Linger } from "./linger.ts";
import { datasetClosed } from "./shutters.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { Format, IngestLimits } from "./ingest.ts";

/** Work on a whole body lets others have their turn after so many bytes. */
const turnBytes = 262_144;
/** Codes of appends that certainly left nothing in the log. */
const notAppended: ReadonlySet<string> = new Set(["log.full", "log.batchTooLarge", "log.topicUnknown", "log.topicReplaced"]);

/** One request, as far as both ways of taking it agree. */
export interface Run {
  readonly log: Log;
  readonly env: Env;
  readonly limits: IngestLimits;
  readonly pool: BufferPool;
  readonly linger: Linger;
  /** Decoded. */
  readonly body: AsyncIterable<Uint8Array>;
  /** About what the body has, 0 where that is not known. */
  readonly bytes: number;
  readonly share: ByteShare;
  readonly invalid: "refuse" | "inbox";
  /** Of each record. */
  readonly headers: readonly RecordHeader[];
  readonly signal: AbortSignal | undefined;
  /** After a batch became durable: how many records of which target. */
  onDurable(target: number, records: number, door: Door): void;
}

/** Takes an NDJSON body as it comes: what is valid goes on to the log while the rest is still on its way. */
export async function acceptStream(run: Run, door: Door): Promise<Intake> {
  const { linger, share, signal } = run;
  const lanes = openLanes(run, door, { hold: false, onLess: () => settle() });
  const intake = createIntake(run, { door, lanes });
  const splitter = new LineSplitter(intake, { lineBytesMax: run.limits.recordBytesMax });
  // Counted once a chunk: each of many lanes tells when it has appended, and to count all of them each time would take their square.
  let openBytes = 0;
  const settle = (): void => share.settle(splitter.pendingBytes + openBytes + lanes.waitingBytes + intake.refused.bytes);
  const flush = (): void => {
    lanes.flush();
    openBytes = 0;
  };
  using late = linger.of(flush);
  try {
    for await (const chunk of run.body) {
      signal?.throwIfAborted();
      if (!share.tryReserve(chunk.length)) {
        // What this request can give back, it gives back before it waits.
        flush();
        await share.reserve(chunk.length, { signal });
      }
      splitter.push(chunk);
      release(chunk);
      openBytes = lanes.openBytes;
      if (openBytes > run.limits.windowBytes) flush();
      settle();
      await lanes.below(run.limits.windowBytes);
      if (openBytes > 0) late.wanted();
    }
    splitter.end();
    flush();
    await lanes.finish();
    return intake;
  } finally {
    await lanes.abandon();
  }
}

export interface WholeOptions {
  readonly format: Format;
  readonly atomic: boolean;
  /** The door of a version of the contract, by default of the current one. */
  readonly doorOf: (version?: number) => Promise<Door>;
  readonly keyed?: Keyed;
}

/** A request's idempotency key, and the right to use it. */
export interface Keyed {
  readonly key: string;
  readonly mode: string;
  readonly claim: KeyClaim;
}

/** Takes the whole body before anything is appended: for JSON texts, which are right or wrong as a whole, for `atomic`, and for idempotency keys. */
export async function acceptWhole(run: Run, { format, atomic, doorOf, keyed }: WholeOptions): Promise<Intake> {
  const body = await takeWhole(run.body, { bytesMax: run.limits.bodyBytesMax, share: run.share, signal: run.signal });
  const before = keyed === undefined ? undefined : await findPrior(keyed, body, run.signal);
  const door = await doorOf(before?.prior?.contractVersion);
  // A repeat is judged at the time that the request was, whole seconds: by the clock it could take what was refused then.
  const judged = keyed === undefined ? undefined : (before?.prior?.judged ?? Math.floor(run.env.now() / 1_000));
  const lanes = openLanes(run, door, {
    hold: true,
    ...(keyed === undefined || before === undefined ? {} : await keyedLanes(run, door, { keyed, ...before, judged })),
  });
  const intake = createIntake(run, { door, lanes, judged, key: keyed?.key });
  const check = (): void => {
    const encoded = lanes.openBytes + lanes.waitingBytes;
    // Defaults can make records larger than their JSON: held until all of them are judged, they need a limit of their own.
    if (encoded > run.limits.bodyBytesMax * 2) throw tooLarge(run.limits.bodyBytesMax);
    run.share.settle(Math.max(run.share.heldBytes, body.length + encoded + intake.refused.bytes));
  };
  try {
    if (format === "ndjson") await judgeLines(body, intake, run.limits, check);
    else await judgeJson(body, intake, check);
    if (atomic && intake.refused.count > 0) {
      intake.valid = 0;
      return intake;
    }
    if (door.dataset.closed !== undefined && lanes.openBytes + lanes.waitingBytes > 0) throw datasetClosed(door.dataset);
    lanes.release();
    await lanes.finish();
    return intake;
  } finally {
    await lanes.abandon();
    // It is the beginning of a buffer of its own.
    release(new Uint8Array(body.buffer));
  }
}

interface Before {
  readonly sha256: string;
  /** What an earlier request with the same key and body left in the log. */
  readonly prior: Prior | undefined;
}

async function findPrior({ key, mode, claim }: Keyed, body: Buffer, signal: AbortSignal | undefined): Promise<Before> {
  const sha256 = createHash("sha256").update(body).digest("hex");
  const prior = await claim.prior({ signal });
  const same = digestOf(sha256, mode);
  if (prior !== undefined && !prior.body.every((word, index) => word === same[index]))
    throw new MainstemError("ingest.keyReused", "This Idempotency-Key was used with another body, or in another mode, within the last day.", { key });
  return { sha256, prior };
}

/** Marks each batch with the key, passes over what is in the log already, and tells the index what becomes of each batch. */
async function keyedLanes(
  run: Run,
  door: Door,
  { keyed: { key, mode, claim }, sha256, prior, judged }: { readonly keyed: Keyed; readonly judged: number | undefined } & Before,
): Promise<Partial<LanesOptions>> {
  const { contractVersion } = door;
  const mark = { contractVersion, ...(judged === undefined ? {} : { judged }) };
  const laneOf = (target: number): number => (target === door.partitions ? inboxLane : target);
  const ends = await Promise.all(door.targets.map(async (target) => (await run.log.bounds(target)).end));
  const skip = new Map([...(prior?.records ?? [])].map(([lane, records]) => [lane === inboxLane ? door.partitions : lane, records]));
  return {
    skip,
    batchHeaders: [toIdempotencyHeader({ formatVersion: 1, key, sha256, mode, ...mark })],
    onAppended(target, batch, range) {
      ends[target] = (range.last + 1) as typeof range.last;
      run.onDurable(target, batch.count, door);
      const second = Math.floor(range.timestamp / 1_000);
      claim.appended({ body: digestOf(sha256, mode), ...mark, lane: laneOf(target), records: batch.count, second });
    },
    onFailed(target, error) {
      if (!notAppended.has(factsOf(error).code)) claim.unknown(laneOf(target), ends[target]!);
    },
  };
}

function openLanes(run: Run, door: Door, options: Partial<LanesOptions> & { readonly hold: boolean }): Lanes {
  const { log, pool, limits: own } = run;
  return new Lanes({
    log,
    pool,
    targets: door.targets,
    batchBytesMax: own.batchBytesMax,
    laneBytes: run.bytes / door.partitions,
    onAppended: (target, batch) => run.onDurable(target, batch.count, door),
    ...options,
  });
}

interface IntakeWishes {
  readonly door: Door;
  readonly lanes: Lanes;
  readonly judged?: number | undefined;
  /** The ids of inbox entries come from it and from when it was judged: a repeat has the same, and who uses the key for something new a day later others. */
  readonly key?: string | undefined;
}

function createIntake(run: Run, { door, lanes, judged, key }: IntakeWishes): Intake {
  const { invalid, headers, env } = run;
  const { batchBytesMax, recordBytesMax } = run.limits;
  return new Intake({
    door,
    lanes,
    invalid,
    requestId: () => (key === undefined ? randomId(env) : digestOf(key, String(judged)).map(hex).join("")),
    headers,
    batchBytesMax,
    recordBytesMax,
    now: () => env.now(),
    judgedAt: judged === undefined ? undefined : judged * 1_000,
  });
}

async function judgeLines(body: Buffer, intake: Intake, { recordBytesMax }: IngestLimits, check: () => void): Promise<void> {
  const splitter = new LineSplitter(intake, { lineBytesMax: recordBytesMax });
  for (let start = 0; start < body.length; start += turnBytes) {
    if (start > 0) await setImmediate();
    splitter.push(body.subarray(start, start + turnBytes));
    check();
  }
  splitter.end();
  check();
}

async function judgeJson(bytes: Buffer, intake: Intake, check: () => void): Promise<void> {
  if (!isUtf8(bytes)) throw notJson("it is not UTF-8.");
  const start = skipSpace(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  const end = spaceBefore(bytes, start, bytes.length);
  if (start === end) throw notJson("it is empty.");
  if (bytes[start] !== 0x5b) {
    intake.element(() => bytes.toString("utf8", start, end), bytes, { start, end, tooDeep: nestsDeeper(bytes, { start, end, depthMax: limits.depthMax }) });
    return check();
  }
  const ascii = isAscii(bytes) ? bytes.toString("latin1", 0, bytes.length) : undefined;
  const elements = new ArrayCursor(bytes, { start, depthMax: limits.depthMax });
  let turn = start;
  while (elements.next()) {
    intake.element(() => ascii?.slice(elements.start, elements.end) ?? bytes.toString("utf8", elements.start, elements.end), bytes, elements);
    if (elements.end - turn < turnBytes) continue;
    turn = elements.end;
    check();
    await setImmediate();
  }
  check();
  if (elements.fault !== undefined) throw notJson(`the array breaks at byte ${elements.fault}.`, { position: elements.fault });
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
