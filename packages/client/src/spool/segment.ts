import { open, readFile, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ClientError } from "../client-error.ts";
import type { Batch } from "../producer/batch.ts";
import { decodeBatch, decodeSegmentHead, encodeSegmentHead, formatVersion } from "./frame.ts";

/** Where a batch stands. */
export interface Entry {
  readonly number: bigint;
  readonly segment: Segment;
  readonly start: number;
  readonly end: number;
}

/** One file of a spool, named for the number of its first batch. */
export interface Segment {
  readonly path: string;
  readonly file: FileHandle;
  /** Where the next batch goes. */
  end: number;
}

export function segmentName(first: bigint): string {
  return `${first.toString().padStart(20, "0")}.spool`;
}

export function parseSegmentName(name: string): bigint | undefined {
  const digits = /^(\d{20})\.spool$/.exec(name)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

export async function createSegment(directory: string, { first, dataset }: { readonly first: bigint; readonly dataset: string }): Promise<Segment> {
  const path = join(directory, segmentName(first));
  const file = await open(path, "w+");
  const head = encodeSegmentHead(dataset);
  try {
    await writeDurably(file, head, 0);
    await syncDirectory(directory);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { path, file, end: head.length };
}

/** Writes all of the bytes at the position, and waits for the disk. */
export async function writeDurably(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  await file.datasync();
}

/**
 * A segment that was there, with its batches. Of the last one a torn tail is cut: a batch is written only when the one before it is on disk, so at
 * most one can be torn. Anything else that is damaged is `client.spoolCorrupt`, and stays as it is. Undefined: the last one, torn before its first batch.
 */
export async function openSegment(
  path: string,
  { first, dataset, isLast }: { readonly first: bigint; readonly dataset: string; readonly isLast: boolean },
): Promise<{ readonly segment: Segment; readonly entries: readonly Entry[] } | undefined> {
  const bytes = await readFile(path);
  const head = decodeSegmentHead(bytes);
  if (head === undefined) {
    if (isLast && bytes.length <= encodeSegmentHead(dataset).length) return undefined;
    throw corrupt(path, 0);
  }
  if (head.formatVersion !== formatVersion)
    throw new ClientError("client.spoolMismatch", `${path} has the layout ${head.formatVersion}; this version of the package reads ${formatVersion}.`, {
      path,
      formatVersion: head.formatVersion,
    });
  if (head.dataset !== dataset)
    throw new ClientError("client.spoolMismatch", `${path} holds records of ${head.dataset}, not of ${dataset}.`, { path, dataset: head.dataset });
  const segment: Segment = { path, file: await open(path, "r+"), end: head.end };
  const entries: Entry[] = [];
  for (let number = first; segment.end < bytes.length; number++) {
    const decoded = decodeBatch(bytes, segment.end);
    if (decoded === undefined) break;
    entries.push({ number, segment, start: segment.end, end: decoded.end });
    segment.end = decoded.end;
  }
  if (segment.end < bytes.length) {
    if (!isLast || goesOn(bytes, segment.end)) {
      await segment.file.close();
      throw corrupt(path, segment.end);
    }
    await segment.file.truncate(segment.end);
    await segment.file.datasync();
  }
  return { segment, entries };
}

export async function readEntry({ segment, start, end }: Entry): Promise<Batch> {
  const bytes = Buffer.allocUnsafe(end - start);
  const { bytesRead } = await segment.file.read(bytes, 0, bytes.length, start);
  const decoded = bytesRead === bytes.length ? decodeBatch(bytes, 0) : undefined;
  if (decoded === undefined) throw corrupt(segment.path, start);
  return decoded.batch;
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Somewhere behind the damage at `start` there is a whole batch: its length may be what is damaged, so every place is tried. */
function goesOn(bytes: Buffer<ArrayBuffer>, start: number): boolean {
  for (let place = start + 1; place < bytes.length; place++) if (decodeBatch(bytes, place) !== undefined) return true;
  return false;
}

export function corrupt(path: string, position: number): ClientError {
  return new ClientError("client.spoolCorrupt", `${path} is damaged at byte ${position}. Nothing was cut.`, { path, position, directory: dirname(path) });
}
