import { ByteSink } from "../avro/byte-sink.ts";
import type { Contract } from "../contract.ts";
import type { FieldError } from "./faults.ts";
import { Faults } from "./faults.ts";
import { compileJsonRecord } from "./json-writer.ts";
import { keyPlanOf } from "./key-bytes.ts";
import { compileContractDemand } from "./max-ahead.ts";

export type EncodedRecord =
  | { readonly kind: "valid"; readonly value: Uint8Array; readonly key: Uint8Array }
  | { readonly kind: "invalid"; readonly errors: readonly FieldError[] };

export interface RecordEncoder {
  /**
   * Checks one record (a parsed JSON value; bigints are taken too) and encodes it in one pass.
   * `value` is plain Avro binary without any header, `key` the key's bytes in the log. Both are views that the next call overwrites: copy what is kept.
   * A record that is not as the contract says gives every bad field, at most 32 of them.
   */
  encode(json: unknown): EncodedRecord;
}

export interface RecordEncoderOptions {
  /** Milliseconds since 1970: what `maxAhead` is held against. Without a clock it is not looked at. */
  readonly now?: () => number;
}

/**
 * Compiles the door's encoder of a contract: the type of every field, the checks that one record can fail (range, oneOf, matches, notNull),
 * no unknown fields, defaults filled in.
 */
export function compileRecordEncoder(contract: Contract, { now }: RecordEncoderOptions = {}): RecordEncoder {
  const { fields } = contract.schema;
  const ends = new Int32Array(fields.length);
  const write = compileJsonRecord(contract.schema, { path: "", demand: compileContractDemand(contract, now), expected: "object", ends });
  const plan = keyPlanOf(contract);
  const keyIndexes = contract.key.map((name) => fields.findIndex((field) => field.name === name));
  const values = new ByteSink(4096);
  const keys = new ByteSink(256);
  const faults = new Faults();

  /** The key's fields were just encoded within the value: their bytes are the key's. */
  const keyBytes = (): Uint8Array => {
    const first = keyIndexes[0] as number;
    const start = first === 0 ? 0 : (ends[first - 1] as number);
    const end = ends[first] as number;
    if (plan === "text") return values.view(afterLength(values.bytes, start), end);
    if (keyIndexes.length === 1) return values.view(start, end);
    keys.reset();
    for (const index of keyIndexes) keys.writeRaw(values.view(index === 0 ? 0 : ends[index - 1], ends[index]));
    return keys.view();
  };

  return {
    encode(json) {
      values.reset();
      if (!write(json, values, faults)) return { kind: "invalid", errors: faults.take() };
      return { kind: "valid", value: values.view(), key: keyBytes() };
    },
  };
}

/** Where the text starts whose length is the varint at `position`. */
function afterLength(bytes: Uint8Array, position: number): number {
  let index = position;
  while ((bytes[index] as number) > 127) index++;
  return index + 1;
}
