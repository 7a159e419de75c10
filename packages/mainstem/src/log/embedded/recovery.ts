import { join } from "node:path";
import type { Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Offset, TimestampType } from "../log.ts";
import type { FileSystem, LogFile } from "./file-system.ts";
import { damaged, FrameReader } from "./frame-reader.ts";
import type { Frame } from "./frame-reader.ts";
import { RecoveryPointFile } from "./recovery-point.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { indexed, loadIndex, parseSegmentName, segmentFileKinds, segmentPath } from "./segment.ts";
import type { Segment } from "./segment.ts";
import type { SegmentIndex } from "./segment-index.ts";

export const recoveryPointName = "recovery-point";
/** A tail is read, and written again, this many bytes at a time. */
const copyBytes = 1_048_576;

export interface RecoverOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly timestampType: TimestampType;
  readonly env: Env;
  readonly logger: Logger;
}

/** A partition as it is found: the last segment open for writing, everything in it durable and whole beyond the recovery point. */
export interface RecoveredPartition {
  readonly segments: readonly Segment[];
  readonly file: LogFile;
  readonly index: SegmentIndex;
  readonly point: RecoveryPointFile;
  /** The time of the first batch of the last segment, if there is one. */
  readonly since: number | undefined;
}

/** Makes the files of a new, empty partition in a directory that nobody sees yet. */
export async function createPartitionFiles(files: FileSystem, directory: string): Promise<void> {
  await files.makeDirectory(directory);
  const zero = 0 as Offset;
  const segment = await files.open(segmentPath(directory, zero, "log"), "create");
  await segment.sync();
  await segment.close();
  const point = { logStart: zero, segmentBase: zero, position: 0, next: zero, lastTimestamp: 0, maxTimestamp: -1, maxTimestampOffset: -1 };
  await RecoveryPointFile.create(files, join(directory, recoveryPointName), point);
  await files.syncDirectory(directory);
}

/**
 * Opens a partition after whatever happened to it. Below the recovery point nothing is ever cut: what is missing or damaged there is `log.corrupt`, with file and position.
 * Beyond it whole batches are kept, and made durable before anybody sees them; the first that is not whole is cut off with all that follows.
 */
export async function recoverPartition(options: RecoverOptions): Promise<RecoveredPartition> {
  const { files, directory, env } = options;
  const point = await RecoveryPointFile.open(files, join(directory, recoveryPointName), env);
  let file: LogFile | undefined;
  try {
    const bases = await listSegments(options, point);
    const first = bases.findIndex((base) => base === point.current.segmentBase);
    if (first < 0) throw missing(segmentPath(directory, point.current.segmentBase, "log"));
    const segments: Segment[] = [];
    for (const base of bases.slice(0, first)) segments.push({ base, bytes: await sizeOf(files, segmentPath(directory, base, "log")) });
    for (let at = first; at < bases.length; at++) {
      await file?.close();
      const base = bases[at]!;
      file = await files.open(segmentPath(directory, base, "log"), "write", { durable: true });
      segments.push({ base, bytes: await recoverTail(options, { base, following: bases[at + 1], file, point }) });
    }
    const opened = file!;
    return { segments, file: opened, point, ...(await openIndex(options, { file: opened, point: point.current })) };
  } catch (error) {
    await file?.close();
    await point.close({ sync: false });
    throw error;
  }
}

/** The base offsets of the segments, ascending. What retention had begun to remove is removed; so are indexes without a segment and temporary files. */
async function listSegments({ files, directory, logger }: RecoverOptions, pointFile: RecoveryPointFile): Promise<Offset[]> {
  const point = pointFile.current;
  const names = await files.list(directory);
  const found = names.map(parseSegmentName).filter((name) => name !== undefined);
  const bases = found
    .filter(({ kind }) => kind === "log")
    .map(({ base }) => base)
    .sort((one, other) => one - other);
  // What the recovery point says may be in the page cache alone, after a process that was killed; a file that goes is gone.
  if (bases[1] !== undefined && bases[1] <= point.logStart) await pointFile.affirm({});
  while (bases[1] !== undefined && bases[1] <= point.logStart && bases[0]! < point.segmentBase) {
    const base = bases.shift()!;
    logger.info("dropped segment is removed", { file: segmentPath(directory, base, "log") });
    await files.remove(segmentPath(directory, base, "log"));
    await files.syncDirectory(directory);
  }
  if (bases[0] === undefined || bases[0] > point.logStart) throw missing(segmentPath(directory, point.logStart, "log"));
  const orphans = found.filter(({ base, kind }) => kind !== "log" && !bases.includes(base));
  for (const { base, kind } of orphans) await files.remove(segmentPath(directory, base, kind));
  return bases;
}

interface Tail {
  readonly base: Offset;
  /** The base offset of the segment after it, if there is one. */
  readonly following: Offset | undefined;
  readonly file: LogFile;
  readonly point: RecoveryPointFile;
}

/** Checks a segment from the recovery point on, cuts what is torn, and gives the bytes that stay, which are durable then, as the recovery point says. */
async function recoverTail(options: RecoverOptions, { base, following, file, point }: Tail): Promise<number> {
  const { directory, logger } = options;
  const path = segmentPath(directory, base, "log");
  const durable = base === point.current.segmentBase ? point.current.position : 0;
  const size = await file.size();
  if (size < durable) throw damaged(path, { position: size, what: `${durable} bytes were durable and the file has ${size}` });
  if (base > point.current.segmentBase && base !== point.current.next) throw missing(segmentPath(directory, point.current.next, "log"));
  const frames = new FrameReader({ file, path, position: durable, expected: point.current.next, windowBytes: copyBytes });
  let after =
    base === point.current.segmentBase ? point.current : { ...point.current, segmentBase: base, position: 0, maxTimestamp: -1, maxTimestampOffset: -1 };
  for (;;) {
    const frame = await frames.next(size, { checkCrc: true });
    if (frame?.kind === "frame") {
      after = advance(after, frame);
      continue;
    }
    // A segment is synced before the next one is made: damage before the last segment is no torn tail.
    if (frame !== undefined && following !== undefined) throw damaged(path, frame);
    if (frame !== undefined) logger.warn("torn tail is cut", { file: path, position: frame.position, bytes: size - frame.position, what: frame.what });
    break;
  }
  if (after.position < size) await file.truncate(after.position);
  await rewrite(file, durable, after.position);
  // Also where nothing was cut now: what was cut before, by a process that was killed, may come back until then.
  await file.sync();
  // The process that made this segment may have ended before its name was durable.
  if (base !== point.current.segmentBase) await options.files.syncDirectory(directory);
  if (size > durable || base !== point.current.segmentBase) await point.update(after, { sync: true });
  return after.position;
}

function advance(point: RecoveryPoint, frame: Frame): RecoveryPoint {
  const { lastOffset, maxTimestamp } = indexed(frame);
  const later = maxTimestamp > point.maxTimestamp;
  return {
    ...point,
    position: frame.position + frame.bytes,
    next: (lastOffset + 1) as Offset,
    lastTimestamp: frame.header.timestampType === "append" ? Math.max(point.lastTimestamp, maxTimestamp) : point.lastTimestamp,
    maxTimestamp: later ? maxTimestamp : point.maxTimestamp,
    maxTimestampOffset: later ? lastOffset : point.maxTimestampOffset,
  };
}

/**
 * Writes bytes over themselves. What was read may be in the page cache alone: after a sync that failed, the kernel takes pages for clean that never reached the disk,
 * so that another sync would vouch for nothing.
 */
async function rewrite(file: LogFile, from: number, to: number): Promise<void> {
  for (let position = from; position < to; position += copyBytes) {
    const bytes = Buffer.allocUnsafeSlow(Math.min(copyBytes, to - position));
    if ((await file.read(bytes, position)) < bytes.length)
      throw new MainstemError("log.readFailed", "A segment became shorter while it was recovered.", { position });
    await file.write([bytes], position);
  }
}

async function openIndex(
  { files, directory, timestampType, logger }: RecoverOptions,
  { file, point }: { readonly file: LogFile; readonly point: RecoveryPoint },
): Promise<{ readonly index: SegmentIndex; readonly since: number | undefined }> {
  const { segmentBase: base, position: bytes, next } = point;
  const { index, damage } = await loadIndex({ files, directory, base, file, bytes, next, timestampType, logger });
  const path = segmentPath(directory, base, "log");
  if (damage !== undefined) throw damaged(path, damage);
  const first = await new FrameReader({ file, path, position: 0, expected: base, windowBytes: 1 }).next(bytes, { checkCrc: false });
  return { index, since: first?.kind === "frame" ? first.header.maxTimestamp : undefined };
}

async function sizeOf(files: FileSystem, path: string): Promise<number> {
  const file = await files.open(path, "read");
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}

function missing(path: string): MainstemError {
  return new MainstemError("log.corrupt", `The segment ${path} is missing.`, { file: path, position: 0 });
}

/** Removes a segment's files; the segment itself first, so that what a crash leaves are indexes without one. */
export async function removeSegment(files: FileSystem, directory: string, base: Offset): Promise<void> {
  for (const kind of segmentFileKinds) {
    await files.remove(segmentPath(directory, base, kind));
    if (kind === "log") await files.syncDirectory(directory);
  }
}
