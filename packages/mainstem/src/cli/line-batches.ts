import type { RecordBatch } from "./record-batch.ts";

/** A line that no server would take; it was left out of the batches. */
export interface LongLine {
  /** Its number, from 1. */
  readonly line: number;
  readonly bytes: number;
}

export interface LineLimits {
  /** A batch is given as soon as it has this many bytes. */
  readonly batchBytes: number;
  /** A line longer than this is left out and reported. */
  readonly lineBytesMax: number;
  onLongLine(line: LongLine): void;
}

const newline = 0x0a;

/** Cuts a stream of NDJSON into batches at the ends of lines; blank lines are left out. A place is a line's number, from 1. Holds one batch and one line at a time, whatever the input. */
export async function* cutLines(source: AsyncIterable<Uint8Array>, limits: LineLimits): AsyncGenerator<RecordBatch> {
  let parts: Buffer[] = [];
  let batchBytes = 0;
  let places: number[] = [];
  let sourceBytes = 0;
  // The line that has begun: its pieces, or only its length once it is too long.
  let line: Buffer[] = [];
  let lineBytes = 0;
  let number = 0;

  const endLine = (): void => {
    number++;
    if (lineBytes > limits.lineBytesMax) limits.onLongLine({ line: number, bytes: lineBytes });
    else if (line.some((piece) => !isBlank(piece))) {
      parts.push(...line, Buffer.of(newline));
      batchBytes += lineBytes + 1;
      places.push(number);
    }
    line = [];
    lineBytes = 0;
  };
  const extendLine = (piece: Buffer): void => {
    if (piece.length === 0) return;
    lineBytes += piece.length;
    if (lineBytes > limits.lineBytesMax) line = [];
    else line.push(piece);
  };
  const takeBatch = (): RecordBatch => {
    const taken = places;
    const batch = { bytes: Buffer.concat(parts), records: taken.length, sourceBytes, placeOf: (place: number) => taken[place] ?? 0 };
    parts = [];
    batchBytes = 0;
    places = [];
    sourceBytes = 0;
    return batch;
  };

  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      extendLine(bytes.subarray(start, end));
      endLine();
      sourceBytes += end + 1 - start;
      start = end + 1;
      if (batchBytes >= limits.batchBytes) yield takeBatch();
    }
    extendLine(bytes.subarray(start));
    sourceBytes += bytes.length - start;
  }
  endLine();
  if (places.length > 0) yield takeBatch();
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
