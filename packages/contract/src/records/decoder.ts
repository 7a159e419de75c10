import { ByteSource } from "../avro/byte-source.ts";
import { readWhole } from "../avro/reader.ts";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { compileNativeReader } from "./native-reader.ts";

/**
 * A record as programs see it: a plain object with the fields in the schema's order.
 * int, float, double, date, time-millis: number. long, the timestamps, time-micros: number where safe, else bigint. decimal: the unscaled bigint.
 * string, uuid (lower case), enum: string. bytes, fixed: Uint8Array of its own. array: array. map: Map. nullable: the value or null.
 */
export type NativeRecord = Record<string, unknown>;
export type Decode = (bytes: Uint8Array, start?: number, end?: number) => NativeRecord;

/**
 * Compiles the decoder of records that were written with `writer`, as `reader` sees them, by Avro's schema resolution: fields by name or alias,
 * fields that only the reader has take their default, fields that only the writer has are skipped, types become nullable or unions, numbers widen,
 * an enum may have other symbols. A logical type may come or go, but one time never becomes another.
 *
 * The range must hold exactly one record. Bytes that are not what the writer's schema says are `avro.malformed`; so is a value that the reader
 * cannot hold (null where it takes none, a symbol that it lacks), a uuid, decimal or time that is none.
 * Schemas that cannot be resolved at all are `contract.incompatible`, thrown here, not at the first record, with `facts.incompatibilities`.
 */
export function compileDecoder(options: { readonly writer: AvroRecordSchema; readonly reader: AvroRecordSchema }): Decode {
  const read = compileNativeReader(options);
  const source = new ByteSource();
  return (bytes, start, end) => {
    source.reset(bytes, start, end);
    return readWhole(read, source) as NativeRecord;
  };
}
