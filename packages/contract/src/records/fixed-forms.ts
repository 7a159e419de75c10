import type { ByteSink } from "../avro/byte-sink.ts";
import type { ByteSource } from "../avro/byte-source.ts";

/**
 * A span of time as Avro has it: three counts from 0 to 2^32 - 1 that do not add up to one another, as months and days have no fixed length.
 * The form of natives and of JSON alike.
 */
export interface Duration {
  readonly months: number;
  readonly days: number;
  readonly millis: number;
}

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A duration from its JSON or native form; undefined for anything else. */
export function parseDuration(value: unknown): Duration | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { months, days, millis } = value as Readonly<Record<string, unknown>>;
  return Object.keys(value).length === 3 && isCount(months) && isCount(days) && isCount(millis) ? { months, days, millis } : undefined;
}

/** 12 bytes: the counts, little-endian (Avro 1.12 specification, "Duration"). */
export function writeDuration(duration: Duration, sink: ByteSink): void {
  for (const count of [duration.months, duration.days, duration.millis]) for (let shift = 0; shift < 32; shift += 8) sink.writeByte((count >>> shift) & 255);
}

export function readDuration(source: ByteSource): Duration {
  const bytes = source.readRaw(12);
  const view = new DataView(bytes.buffer);
  return { months: view.getUint32(0, true), days: view.getUint32(4, true), millis: view.getUint32(8, true) };
}

/** The 16 bytes of a uuid's text, in network order. False, and nothing written, when it is none. */
export function writeUuidBytes(value: unknown, sink: ByteSink): boolean {
  if (typeof value !== "string" || !uuidText.test(value)) return false;
  const digits = value.replaceAll("-", "");
  for (let index = 0; index < digits.length; index += 2) sink.writeByte(Number.parseInt(digits.slice(index, index + 2), 16));
  return true;
}

/** The text, in lower case, of a uuid in 16 bytes. */
export function readUuidBytes(source: ByteSource): string {
  const digits = Array.from(source.readRaw(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}
