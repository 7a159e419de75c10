// The layout of a spool's files: docs/formats/spool.md.
import { crc32 } from "node:zlib";
import type { Batch } from "../producer/batch.ts";

const magic = Buffer.from("MSSPOOL1");
const headBytes = 8;
const keyBytesMax = 1_024;
export const formatVersion = 1;

/** The beginning of a segment: which dataset's batches it holds. */
export function encodeSegmentHead(dataset: string): Buffer {
  return Buffer.concat([magic, encodeFrame(Buffer.from(JSON.stringify({ formatVersion, dataset })))]);
}

/** Undefined when it is no segment's beginning. */
export function decodeSegmentHead(bytes: Buffer<ArrayBuffer>): { readonly formatVersion: number; readonly dataset: string; readonly end: number } | undefined {
  const frame = bytes.subarray(0, magic.length).equals(magic) ? decodeFrame(bytes, magic.length) : undefined;
  if (frame === undefined) return undefined;
  const head = JSON.parse(frame.payload.toString()) as { readonly formatVersion: number; readonly dataset: string };
  return { ...head, end: frame.end };
}

export function encodeBatch({ idempotencyKey, body, records }: Batch): Buffer {
  const key = Buffer.from(idempotencyKey);
  const prefix = Buffer.alloc(6);
  prefix.writeUInt32LE(records, 0);
  prefix.writeUInt16LE(key.length, 4);
  return encodeFrame(Buffer.concat([prefix, key, body]));
}

export interface DecodedBatch {
  readonly batch: Batch;
  readonly end: number;
}

/** The batch that begins at `start`; undefined when there is no whole and undamaged one. */
export function decodeBatch(bytes: Buffer<ArrayBuffer>, start: number): DecodedBatch | undefined {
  const frame = decodeFrame(bytes, start);
  if (frame === undefined || frame.payload.length < 6) return undefined;
  const { payload, end } = frame;
  const keyEnd = 6 + payload.readUInt16LE(4);
  if (keyEnd > payload.length || keyEnd > keyBytesMax) return undefined;
  return { batch: { idempotencyKey: payload.toString("utf8", 6, keyEnd), records: payload.readUInt32LE(0), body: payload.subarray(keyEnd) }, end };
}

function encodeFrame(payload: Buffer): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload, payload.length), 4);
  return Buffer.concat([head, payload]);
}

function decodeFrame(bytes: Buffer<ArrayBuffer>, start: number): { readonly payload: Buffer<ArrayBuffer>; readonly end: number } | undefined {
  if (start + headBytes > bytes.length) return undefined;
  const end = start + headBytes + bytes.readUInt32LE(start);
  if (end > bytes.length || end === start + headBytes) return undefined;
  const payload = bytes.subarray(start + headBytes, end);
  // Seeded with the length, so that a length changed together with nothing else is found.
  return crc32(payload, payload.length) === bytes.readUInt32LE(start + 4) ? { payload, end } : undefined;
}
