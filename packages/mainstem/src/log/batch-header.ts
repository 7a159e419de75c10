import crc32 from "@node-rs/crc32";
import { readInt64, writeInt64 } from "./int64.ts";
import type { Offset, TimestampType } from "./log.ts";

/** Bytes of the header before the records: a batch takes this many more than its records, and both count in `limits.batchBytesMax`. */
export const batchHeaderBytes = 61;
/** Bytes of the header that the length field does not count: base offset and length itself. */
export const lengthPrefixBytes = 12;
/** Where the bytes begin that the CRC covers. */
const crcStart = 21;
const magic = 2;
const appendTimeBit = 8;
/** Compression (bits 0 to 2), transactional (4), control (5), delete horizon (6): what our segments never hold. */
const foreignBits = 0xffff & ~appendTimeBit;

/**
 * The header of a record batch of Kafka's message format v2, as far as it varies in ours: 61 bytes, big-endian.
 * base offset i64, length i32 (of what follows it), partition leader epoch i32, magic i8, CRC-32C u32 (from attributes to the end), attributes i16,
 * last offset delta i32, base timestamp i64, max timestamp i64, producer id i64, producer epoch i16, base sequence i32, records i32.
 * Source: Apache Kafka documentation, "Message Format", "Record Batch".
 */
export interface BatchHeader {
  readonly baseOffset: Offset;
  readonly count: number;
  /** Bytes of the records. */
  readonly recordsBytes: number;
  readonly timestampType: TimestampType;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
}

/** Writes the header at `position` for records that lie elsewhere. */
export function encodeBatchHeader(into: Buffer, position: number, header: Omit<BatchHeader, "recordsBytes">, records: Uint8Array): void {
  writeFields(into, position, header, records.length);
  const crc = crc32.crc32c(records, crc32.crc32c(into.subarray(position + crcStart, position + batchHeaderBytes)));
  into.writeUInt32BE(crc, position + 17);
}

/** Writes the header at `position` and the records behind it: for small ones cheaper than keeping them apart. */
export function encodeBatch(into: Buffer, position: number, header: Omit<BatchHeader, "recordsBytes">, records: Uint8Array): void {
  writeFields(into, position, header, records.length);
  into.set(records, position + batchHeaderBytes);
  into.writeUInt32BE(crc32.crc32c(into.subarray(position + crcStart, position + batchHeaderBytes + records.length)), position + 17);
}

/**
 * Reads the header of a batch that begins at `position`, of which at least `batchHeaderBytes` bytes are there, or says what is wrong with it.
 * The fields outside the CRC are checked by their values: `baseOffset` must be the offset that has to come here; leader epoch and magic are constants.
 */
export function decodeBatchHeader(bytes: Buffer, position: number, { bytesMax }: { readonly bytesMax: number }): BatchHeader | string {
  const baseOffset = readInt64(bytes, position);
  const length = bytes.readInt32BE(position + 8);
  if (!(baseOffset >= 0 && baseOffset <= Number.MAX_SAFE_INTEGER)) return "its base offset is no offset";
  if (length < batchHeaderBytes - lengthPrefixBytes || length + lengthPrefixBytes > bytesMax) return "its length is impossible";
  if (bytes.readInt32BE(position + 12) !== 0) return "its leader epoch is not 0";
  if (bytes[position + 16] !== magic) return "its magic byte is not 2";
  const attributes = bytes.readUInt16BE(position + 21);
  if ((attributes & foreignBits) !== 0) return "its attributes are not ours";
  const count = bytes.readInt32BE(position + 57);
  if (count < 1 || bytes.readInt32BE(position + 23) !== count - 1) return "its number of records does not fit its offsets";
  const baseTimestamp = readInt64(bytes, position + 27);
  const maxTimestamp = readInt64(bytes, position + 35);
  if (!Number.isSafeInteger(baseTimestamp) || !Number.isSafeInteger(maxTimestamp)) return "its times lie beyond 2^53 milliseconds";
  return {
    baseOffset: baseOffset as Offset,
    count,
    recordsBytes: length + lengthPrefixBytes - batchHeaderBytes,
    timestampType: (attributes & appendTimeBit) === 0 ? "create" : "append",
    baseTimestamp,
    maxTimestamp,
  };
}

/** Whether the CRC of the whole batch at `position` is that of its bytes. */
export function checkBatchCrc(bytes: Buffer, position: number, header: BatchHeader): boolean {
  return crc32.crc32c(bytes.subarray(position + crcStart, position + batchHeaderBytes + header.recordsBytes)) === bytes.readUInt32BE(position + 17);
}

/** Everything but the CRC. */
function writeFields(into: Buffer, position: number, header: Omit<BatchHeader, "recordsBytes">, recordsBytes: number): void {
  const lastOffsetDelta = header.count - 1;
  writeInt64(into, position, header.baseOffset);
  into.writeInt32BE(batchHeaderBytes - lengthPrefixBytes + recordsBytes, position + 8);
  into.writeInt32BE(0, position + 12);
  into[position + 16] = magic;
  into.writeInt16BE(header.timestampType === "append" ? appendTimeBit : 0, position + 21);
  into.writeInt32BE(lastOffsetDelta, position + 23);
  writeInt64(into, position + 27, header.baseTimestamp);
  writeInt64(into, position + 35, header.maxTimestamp);
  // No producer id, epoch or sequence: -1 in all of their 14 bytes.
  into.fill(0xff, position + 43, position + 57);
  into.writeInt32BE(header.count, position + 57);
}
