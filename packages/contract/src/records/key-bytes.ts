import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroField } from "../avro/schema.ts";
import { isUnion } from "../avro/schema.ts";
import type { Contract } from "../contract.ts";
import { kindOf } from "../value-kind.ts";
import { compileDecoder, type NativeRecord } from "./decoder.ts";
import { compileNativeWriter } from "./native-writer.ts";

/** `text`: the one key field is a string or uuid, and the key its UTF-8. `avro`: the key fields in Avro binary, in the declared order. */
export type KeyPlan = "text" | "avro";

export function keyPlanOf(contract: Contract): KeyPlan {
  const fields = keyFieldsOf(contract);
  const [only] = fields;
  if (fields.length !== 1 || only === undefined || isUnion(only.type)) return "avro";
  const kind = kindOf(only.type);
  return kind === "string" || kind === "uuid" ? "text" : "avro";
}

/**
 * Compiles the key bytes of native records (as decoders give them): a single string or uuid field is its UTF-8 text, anything else the plain
 * Avro binary of the key fields in declared order (docs/formats/wire.md). Equal keys have equal bytes. The result is the caller's own.
 */
export function compileKeyBytes(contract: Contract): (native: Readonly<Record<string, unknown>>) => Uint8Array<ArrayBuffer> {
  const fields = keyFieldsOf(contract);
  const writes = fields.map((field) => compileNativeWriter(field.type));
  const sink = new ByteSink(256);
  if (keyPlanOf(contract) === "text") {
    const name = contract.key[0] as string;
    const utf8 = new TextEncoder();
    return (native) => utf8.encode(native[name] as string);
  }
  return (native) => {
    sink.reset();
    for (let index = 0; index < fields.length; index++) writes[index]?.(native[(fields[index] as AvroField).name], sink);
    return sink.copy();
  };
}

/** Compiles the way back: the key fields that key bytes are of. What they cannot be of is `avro.malformed`. */
export function compileKeyDecoder(contract: Contract): (key: Uint8Array) => NativeRecord {
  const schema = { ...contract.schema, fields: keyFieldsOf(contract) };
  const decode = compileDecoder({ writer: schema, reader: schema });
  if (keyPlanOf(contract) === "avro") return (key) => decode(key);
  const sink = new ByteSink(256);
  return (key) => {
    sink.reset();
    sink.writeLong(key.length);
    sink.writeRaw(key);
    return decode(sink.view());
  };
}

function keyFieldsOf(contract: Contract): readonly AvroField[] {
  return contract.key.map((name) => contract.schema.fields.find((field) => field.name === name) as AvroField);
}
