import { MainstemError } from "../../runtime/errors.ts";
import { batchHeaderBytes } from "../batch-header.ts";
import type { Instant, Offset } from "../log.ts";
import type { FetchedBatch } from "../record-batch.ts";
import type { LogFile } from "./file-system.ts";
import { damaged, FrameReader } from "./frame-reader.ts";
import type { Frame } from "./frame-reader.ts";
import type { Partition } from "./partition.ts";
import { openSegment } from "./sealed-indexes.ts";
import { indexed, segmentPath } from "./segment.ts";
import type { Segment } from "./segment.ts";

/** Bytes that a search reads at once. */
const searchWindowBytes = 65_536;

interface ReadPartitionOptions {
  readonly from: Offset;
  /** Exclusive; undefined: for ever. */
  readonly until: Offset | undefined;
  readonly batchBytesMax: number;
  readonly signal: AbortSignal | undefined;
}

/** Batches from the one that holds `from` on, each checked against its checksum; waits for what is not there yet. Each reader has its own file open. */
export async function* readPartition(partition: Partition, options: ReadPartitionOptions): AsyncGenerator<FetchedBatch, void, undefined> {
  const { from, until, batchBytesMax, signal } = options;
  let offset = from;
  let reading: Place | undefined;
  checkOffset(partition, offset);
  try {
    for (;;) {
      if (until !== undefined && offset >= until) return;
      signal?.throwIfAborted();
      partition.check();
      if (offset >= partition.bounds.stable) {
        await partition.waitBeyond(offset, signal);
        continue;
      }
      reading ??= await openAt(partition, { offset, windowBytes: batchBytesMax });
      const { segment, frames, path } = reading;
      if (frames.position === segment.bytes) {
        const following = partition.segments.find(({ base }) => base > segment.base);
        if (following?.base !== offset && partition.bounds.first <= offset) {
          throw damaged(path, { position: segment.bytes, what: `it ends at offset ${offset}, not where the next segment begins` });
        }
        await reading.file.close();
        reading = undefined;
        continue;
      }
      const taken = frames.take(segment.bytes, { checkCrc: true });
      if (taken === undefined) await frames.fill(segment.bytes);
      else if (taken.kind === "damage") throw damaged(path, taken);
      else {
        offset = (indexed(taken).lastOffset + 1) as Offset;
        yield toFetched(taken);
      }
    }
  } finally {
    await reading?.file.close();
  }
}

/** The base offset of the first batch at or after the time; the end if there is none. */
export async function findTime(partition: Partition, timestamp: number): Promise<Offset> {
  for (const segment of await segmentsAround(partition, timestamp)) {
    const found = await findTimeIn(partition, segment, timestamp).catch((error: unknown) => {
      // Retention may have dropped it meanwhile.
      if (partition.segments.includes(segment)) throw error;
    });
    if (found !== undefined) return Math.max(found, partition.bounds.first) as Offset;
  }
  return partition.bounds.stable;
}

/** A place in a segment, opened to read. */
interface Place {
  readonly segment: Segment;
  readonly file: LogFile;
  readonly path: string;
  readonly frames: FrameReader;
}

/** Opens the segment that holds the offset at the batch that holds it. */
async function openAt(partition: Partition, { offset, windowBytes }: { readonly offset: Offset; readonly windowBytes: number }): Promise<Place> {
  checkOffset(partition, offset);
  const { files, directory } = partition.options;
  const segment = partition.segments.findLast(({ base }) => base <= offset)!;
  const path = segmentPath(directory, segment.base, "log");
  let file: LogFile | undefined;
  try {
    file = await openSegment(files, directory, segment.base);
    const frame = await locate(partition, { segment, file, path, offset });
    const frames = new FrameReader({ file, path, position: frame.position, expected: frame.header.baseOffset, windowBytes });
    return { segment, file, path, frames };
  } catch (error) {
    await file?.close();
    // Retention or a deletion may have been quicker.
    partition.check();
    checkOffset(partition, offset);
    throw error;
  }
}

/** The batch that holds the offset, from the nearest index entry on; an entry that is not true costs a walk from the beginning. */
async function locate(partition: Partition, at: Omit<Place, "frames"> & { readonly offset: Offset }): Promise<Frame> {
  const { segment, file, path, offset } = at;
  const entry = (await partition.indexOf(segment)).floorOffset(offset);
  let frames = new FrameReader({
    file,
    path,
    position: entry.position,
    expected: entry.lastOffset === undefined ? segment.base : undefined,
    windowBytes: searchWindowBytes,
  });
  let frame = await frames.next(segment.bytes, { checkCrc: false });
  if (entry.lastOffset !== undefined && !(frame?.kind === "frame" && indexed(frame).lastOffset === entry.lastOffset)) {
    await partition.discardIndex(segment);
    frames = new FrameReader({ file, path, position: 0, expected: segment.base, windowBytes: searchWindowBytes });
    frame = await frames.next(segment.bytes, { checkCrc: false });
  }
  while (frame?.kind === "frame" && indexed(frame).lastOffset < offset) frame = await frames.next(segment.bytes, { checkCrc: false });
  if (frame?.kind === "frame") return frame;
  throw damaged(path, frame ?? { position: segment.bytes, what: `offset ${offset} is not there` });
}

/** The segments in which the first batch at or after the time may lie, in order. */
async function segmentsAround(partition: Partition, timestamp: number): Promise<readonly Segment[]> {
  const segments = [...partition.segments];
  // Where times need not ascend, any segment may hold it.
  if (partition.options.timestampType === "create") return segments;
  let low = 0;
  let high = segments.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const first = await firstTime(partition, segments[middle]!);
    if (first !== undefined && first < timestamp) low = middle;
    else high = middle;
  }
  return segments.slice(low);
}

async function firstTime(partition: Partition, segment: Segment): Promise<number | undefined> {
  const { files, directory } = partition.options;
  const path = segmentPath(directory, segment.base, "log");
  let file: LogFile | undefined;
  try {
    file = await openSegment(files, directory, segment.base);
    const frame = await new FrameReader({ file, path, position: 0, expected: segment.base, windowBytes: 1 }).next(segment.bytes, { checkCrc: false });
    if (frame?.kind === "damage") throw damaged(path, frame);
    return frame?.header.maxTimestamp;
  } catch (error) {
    // Dropped meanwhile: then it is older than all that is left.
    if (!partition.segments.includes(segment)) return -1;
    throw error;
  } finally {
    await file?.close();
  }
}

async function findTimeIn(partition: Partition, segment: Segment, timestamp: number): Promise<Offset | undefined> {
  const index = await partition.indexOf(segment);
  if (index.maxTimestamp < timestamp) return undefined;
  const { files, directory } = partition.options;
  const path = segmentPath(directory, segment.base, "log");
  const file = await openSegment(files, directory, segment.base);
  try {
    const known = index.floorTime(timestamp);
    const start = known === undefined ? undefined : await locate(partition, { segment, file, path, offset: known.offset });
    const believed = start !== undefined && indexed(start).lastOffset === known!.offset && start.header.maxTimestamp === known!.timestamp;
    const from = believed ? { position: start.position, expected: start.header.baseOffset } : { position: 0, expected: segment.base };
    const frames = new FrameReader({ file, path, ...from, windowBytes: searchWindowBytes });
    for (;;) {
      const frame = await frames.next(segment.bytes, { checkCrc: false });
      if (frame === undefined) return undefined;
      if (frame.kind === "damage") throw damaged(path, frame);
      if (frame.header.maxTimestamp >= timestamp) return frame.header.baseOffset;
    }
  } finally {
    await file.close();
  }
}

function checkOffset(partition: Partition, offset: Offset): void {
  const { first, end } = partition.bounds;
  if (offset >= first && offset <= end) return;
  const { topic, partition: number } = partition.options.at;
  const sentence = `Offset ${offset} of ${topic}/${number} is out of range: it holds ${first} to ${end}.`;
  throw new MainstemError("log.offsetOutOfRange", sentence, { topic, partition: number, offset, first, end });
}

function toFetched({ header, buffer, start, bytes }: Frame): FetchedBatch {
  const { baseOffset, count, timestampType, baseTimestamp, maxTimestamp } = header;
  const next = (baseOffset + count) as Offset;
  return {
    count,
    records: buffer.subarray(start + batchHeaderBytes, start + bytes),
    baseTimestamp,
    maxTimestamp,
    baseOffset,
    lastOffset: (next - 1) as Offset,
    next,
    timestampType,
    timestamp: maxTimestamp as Instant,
  };
}
