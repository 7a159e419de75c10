import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import type { Offset, TimestampType } from "../log.ts";
import type { FileSystem, LogFile } from "./file-system.ts";
import { FrameReader } from "./frame-reader.ts";
import type { Damage, Frame } from "./frame-reader.ts";
import { SegmentIndex } from "./segment-index.ts";
import type { IndexFile } from "./segment-index.ts";

/** One segment of a partition: `<20 digits of the base offset>.log` with its `.index` and `.timeindex`. */
export interface Segment {
  readonly base: Offset;
  /** Durable bytes; grows while the segment is the last one. */
  bytes: number;
  /** The greatest batch time, once it is known for sure; only of a segment that grows no more. */
  maxTimestamp?: number;
}

export const segmentFileKinds = ["log", "index", "timeindex"] as const;
export type SegmentFileKind = (typeof segmentFileKinds)[number];

/** Bytes that a walk over headers reads at once. */
const walkWindowBytes = 262_144;

export function segmentPath(directory: string, base: Offset, kind: SegmentFileKind): string {
  return join(directory, `${String(base).padStart(20, "0")}.${kind}`);
}

/** The base offset that a file's name says, if it is a segment's. */
export function parseSegmentName(name: string): { readonly base: Offset; readonly kind: SegmentFileKind } | undefined {
  const match = /^(\d{20})\.(log|index|timeindex)$/.exec(name);
  if (match === null || !Number.isSafeInteger(Number(match[1]))) return undefined;
  return { base: Number(match[1]) as Offset, kind: match[2] as SegmentFileKind };
}

interface LoadOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly base: Offset;
  readonly file: LogFile;
  /** The part of the segment to index: its durable bytes, and the offset after them. */
  readonly bytes: number;
  readonly next: Offset;
  readonly timestampType: TimestampType;
  readonly logger: Logger;
}

/**
 * The indexes of a segment, complete up to `bytes`: from their files where these can be believed, walking the batches for the rest.
 * Index files are never synced while they grow and have no checksums, so each is believed only as far as it fits the batches.
 * With `damage` the walk ended early: the indexes reach to the damage.
 */
export async function loadIndex(options: LoadOptions): Promise<{ readonly index: SegmentIndex; readonly damage: Damage | undefined }> {
  const { directory, base, file, bytes, logger } = options;
  const path = segmentPath(directory, base, "log");
  let index = await readIndex(options);
  let start: { readonly position: number; readonly expected: Offset } | undefined = index && (await believable(options, index));
  if (index === undefined || start === undefined) {
    if (bytes > 0 && options.timestampType === "append") logger.info("index is built again", { file: path });
    index = new SegmentIndex(base);
    start = { position: 0, expected: base };
  }
  const frames = new FrameReader({ file, path, ...start, windowBytes: walkWindowBytes });
  for (;;) {
    const frame = await frames.next(bytes, { checkCrc: false });
    if (frame?.kind === "damage") return { index, damage: frame };
    if (frame === undefined) return { index, damage: undefined };
    index.add(indexed(frame));
  }
}

/** A batch as the indexes see it. */
export function indexed({ header, position, bytes }: Frame): { position: number; bytes: number; lastOffset: Offset; maxTimestamp: number } {
  return { position, bytes, lastOffset: (header.baseOffset + header.count - 1) as Offset, maxTimestamp: header.maxTimestamp };
}

/** Writes the entries that are not in the files yet. With `sync` they are durable when resolved. */
export async function writeIndex(
  { files, directory, base }: Pick<LoadOptions, "files" | "directory" | "base">,
  index: SegmentIndex,
  { sync }: { readonly sync: boolean },
): Promise<void> {
  await writeEntries(files, segmentPath(directory, base, "index"), index.offsets, sync);
  await writeEntries(files, segmentPath(directory, base, "timeindex"), index.times, sync);
}

async function writeEntries(files: FileSystem, path: string, entries: IndexFile, sync: boolean): Promise<void> {
  const { entryBytes, written, length } = entries;
  const file = await files.open(path, "create");
  try {
    if (length > written) await file.write([entries.bytes.subarray(written * entryBytes, length * entryBytes)], written * entryBytes);
    if ((await file.size()) > length * entryBytes) await file.truncate(length * entryBytes);
    if (sync) await file.sync();
    entries.written = length;
  } finally {
    await file.close();
  }
}

/** The entries of the files that lie within the given bytes; undefined if they cannot be right. */
async function readIndex({ files, directory, base, bytes, next, timestampType }: LoadOptions): Promise<SegmentIndex | undefined> {
  // Where times need not ascend, nothing but all batches tells whether the time index was cut.
  if (timestampType === "create") return undefined;
  const offsets = await readEntries(files, segmentPath(directory, base, "index"));
  const times = await readEntries(files, segmentPath(directory, base, "timeindex"));
  // Of a segment that has not grown far they were never written.
  if (offsets === undefined && times === undefined) return new SegmentIndex(base);
  if (offsets === undefined || times === undefined) return undefined;
  const whole = new SegmentIndex(base, { offsets, times });
  whole.offsets.cut(whole.offsets.last((at) => whole.offsets.bytes.readInt32BE(at + 4) < bytes) + 1);
  whole.times.cut(whole.times.last((at) => base + whole.times.bytes.readInt32BE(at + 8) < next) + 1);
  const index = new SegmentIndex(base, { offsets: whole.offsets.kept(), times: whole.times.kept() });
  return index.plausible({ bytes, next }) ? index : undefined;
}

async function readEntries(files: FileSystem, path: string): Promise<Buffer | undefined> {
  const file = await files.open(path, "read").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(await file.size());
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** Where to walk on from the last entries, if the batches that they stand for are there. */
async function believable({ file, directory, base, bytes }: LoadOptions, index: SegmentIndex): Promise<{ position: number; expected: Offset } | undefined> {
  if (index.times.length > 0 ? !(await timeBelievable({ file, directory, base, bytes }, index)) : index.offsets.length > 0) return undefined;
  if (index.offsets.length === 0) return { position: 0, expected: base };
  const path = segmentPath(directory, base, "log");
  const { position, lastOffset } = index.entry(index.offsets.length - 1);
  const frames = new FrameReader({ file, path, position, expected: undefined, windowBytes: 1 });
  const frame = await frames.next(bytes, { checkCrc: false });
  if (frame?.kind !== "frame" || indexed(frame).lastOffset !== lastOffset) return undefined;
  return { position, expected: frame.header.baseOffset };
}

async function timeBelievable(
  { file, directory, base, bytes }: Pick<LoadOptions, "file" | "directory" | "base" | "bytes">,
  index: SegmentIndex,
): Promise<boolean> {
  const { position } = index.floorOffset(index.maxTimestampOffset as Offset);
  const frames = new FrameReader({ file, path: segmentPath(directory, base, "log"), position, expected: undefined, windowBytes: walkWindowBytes });
  for (;;) {
    const frame = await frames.next(bytes, { checkCrc: false });
    if (frame?.kind !== "frame") return false;
    const { lastOffset, maxTimestamp } = indexed(frame);
    if (lastOffset >= index.maxTimestampOffset) return lastOffset === index.maxTimestampOffset && maxTimestamp === index.maxTimestamp;
  }
}
