import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroField, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { unwrapNullable } from "../avro/schema.ts";
import type { Contract } from "../contract.ts";
import { tooSmall } from "../generated/byte-writers.ts";
import { generateComparable, type ComparableField } from "../generated/emit-order.ts";
import { canGenerate } from "../generated/source.ts";
import type { ValueKind } from "../value-kind.ts";
import { kindOf } from "../value-kind.ts";
import { writeDecimal } from "./decimal.ts";

type WriteOrder = (value: unknown, sink: ByteSink) => void;

/** Bytes of a decimal in the order: more than 38 digits never take. */
const decimalOrderBytes = 17;

/** Kinds that an order field may have. Enums are left out: Avro orders them by position, tables by text. */
export function isOrderKind(kind: ValueKind): boolean {
  return writers.has(kind);
}

/**
 * Compiles the order of native records as bytes that compare like the order fields do, one after the other (as `memcmp`, a prefix being less).
 * Whole numbers and times: 8 bytes, big-endian, with the sign bit flipped. Decimals the same in 17 bytes. Booleans: one byte.
 * Texts (as UTF-8) and bytes: 0 is written as 0 255, and 0 0 ends them. Fixed: as they are. Texts so compare by code point.
 */
export function compileOrderBytes(contract: Contract): (native: Readonly<Record<string, unknown>>) => Uint8Array<ArrayBuffer> {
  if (contract.order === "log") throw new TypeError("the order of the log is the position: use positionOrderBytes");
  const fields = contract.order.map((name) => ({
    name,
    type: (contract.schema.fields.find((field) => field.name === name) as AvroField).type as AvroTypeSchema,
  }));
  const compiled = compileClosures(fields);
  let write = compiled;
  let written = 0;
  return (native) => {
    if (written < generateAfter && ++written === generateAfter) write = generatedFor(fields, compiled);
    return write(native);
  };
}

type OrderBytes = (native: Readonly<Record<string, unknown>>) => Uint8Array<ArrayBuffer>;

/** Code is made when there are more than a few records. */
const generateAfter = 64;

/** Exported for the property that compares both ways. */
export function compileClosures(fields: readonly ComparableField[]): OrderBytes {
  const plans = fields.map(({ name, type }) => {
    const write = writers.get(kindOf(type));
    if (write === undefined) throw new TypeError(`order field ${name} has a type without an order`);
    return { name, write };
  });
  const sink = new ByteSink(64);
  return (native) => {
    sink.reset();
    for (const plan of plans) plan.write(native[plan.name], sink);
    return sink.copy();
  };
}

/** By generated code where the platform allows it; what that does not take goes to `compiled`. */
export function generatedFor(fields: readonly ComparableField[], compiled: OrderBytes): OrderBytes {
  if (!canGenerate()) return compiled;
  const write = generateComparable(fields);
  let bytes = new Uint8Array(256);
  let view = new DataView(bytes.buffer);
  return (native) => {
    let end = write(native, bytes, view, 0);
    while (end === tooSmall) {
      bytes = new Uint8Array(bytes.length * 2);
      view = new DataView(bytes.buffer);
      end = write(native, bytes, view, 0);
    }
    return end < 0 ? compiled(native) : bytes.slice(0, end);
  };
}

/** Compiles the comparison of two values that are not null, of a kind that an order may have or of floats: these as numbers, NaN above all of them. */
export function compileValueOrder(schema: AvroSchema): (a: unknown, b: unknown) => number {
  const type = unwrapNullable(schema)?.type;
  const kind = type === undefined ? undefined : kindOf(type);
  if (kind === "float" || kind === "double") return (a, b) => compareFloats(a as number, b as number);
  const write = kind === undefined ? undefined : writers.get(kind);
  if (write === undefined) throw new TypeError("values of this type have no order");
  const bytesOf = (value: unknown): Uint8Array => {
    const sink = new ByteSink(32);
    write(value, sink);
    return sink.copy();
  };
  return (a, b) => compareBytes(bytesOf(a), bytesOf(b));
}

function compareFloats(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where a record lies in its topic. `generation` counts the topics of a dataset from 1; a replayed record has the position that it had first. */
export interface RecordPosition {
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

/** The order of a position under `order: log`, as bytes that compare like (generation, offset): 8 bytes each, as whole numbers in an order of fields. */
export function positionOrderBytes({ generation, offset }: RecordPosition): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink(16);
  writeWhole(generation, sink);
  writeWhole(offset, sink);
  return sink.copy();
}

/** As `memcmp`: by the first byte that differs, then by length. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const difference = (a[index] as number) - (b[index] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const writers: ReadonlyMap<ValueKind, WriteOrder> = new Map<ValueKind, WriteOrder>([
  ["boolean", (value, sink) => sink.writeBoolean(value as boolean)],
  ["int", writeWhole],
  ["long", writeWhole],
  ["date", writeWhole],
  ["timeMillis", writeWhole],
  ["timeMicros", writeWhole],
  ["timestampMillis", writeWhole],
  ["timestampMicros", writeWhole],
  ["localTimestampMillis", writeWhole],
  ["localTimestampMicros", writeWhole],
  ["timestampNanos", writeWhole],
  ["localTimestampNanos", writeWhole],
  ["decimal", (value, sink) => writeSigned(value as bigint, decimalOrderBytes, sink)],
  ["string", writeText],
  ["uuid", writeText],
  ["bytes", (value, sink) => writeEnded(value as Uint8Array, sink)],
  ["fixed", (value, sink) => sink.writeRaw(value as Uint8Array)],
]);

const utf8 = new TextEncoder();

function writeWhole(value: unknown, sink: ByteSink): void {
  writeSigned(BigInt(value as number | bigint), 8, sink);
}

function writeSigned(value: bigint, size: number, sink: ByteSink): void {
  const start = sink.position;
  writeDecimal(value, size, sink);
  sink.bytes[start] = (sink.bytes[start] as number) ^ 0x80;
}

function writeText(value: unknown, sink: ByteSink): void {
  writeEnded(utf8.encode(value as string), sink);
}

function writeEnded(value: Uint8Array, sink: ByteSink): void {
  for (const byte of value) {
    sink.writeByte(byte);
    if (byte === 0) sink.writeByte(255);
  }
  sink.writeByte(0);
  sink.writeByte(0);
}
