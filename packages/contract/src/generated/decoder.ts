import { ByteSource } from "../avro/byte-source.ts";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { ContractError } from "../errors.ts";
import type { Decode } from "../records/native-reader.ts";
import { cursor } from "./byte-readers.ts";
import type { DecodeFrom } from "./emit-decode.ts";
import { generateDecode } from "./emit-decode.ts";
import { readPlanOf } from "./resolve-plan.ts";
import { sampleBytesOf } from "./sample-bytes.ts";
import { isSameNative } from "./same-native.ts";
import { canGenerate } from "./source.ts";

export type GeneratedDecoder =
  | { readonly kind: "generated"; readonly decode: Decode }
  /** Closures have to do; `mismatch` means that generated code failed its self-check, which is a bug. */
  | { readonly kind: "compiled"; readonly reason: "forbidden" | "unsupported" | "mismatch"; readonly decode: Decode };
/** Why closures decode where generated code should. */
export type SlowDecoding = "forbidden" | "mismatch";

/**
 * Compiles the decoder of records by generated code, if the platform and the schemas allow that; otherwise it is `compiled`, the closures for the same
 * schemas. Values and errors are theirs: bytes that are not plainly right go to them.
 */
export function compileGeneratedDecoder(options: { readonly writer: AvroRecordSchema; readonly reader: AvroRecordSchema }, compiled: Decode): GeneratedDecoder {
  const plan = readPlanOf(options);
  if (plan === undefined) return { kind: "compiled", reason: "unsupported", decode: compiled };
  if (!canGenerate()) return { kind: "compiled", reason: "forbidden", decode: compiled };
  const source = new ByteSource();
  const decode = whole(generateDecode(plan, source), source, compiled);
  return agree(decode, compiled, options.writer) ? { kind: "generated", decode } : { kind: "compiled", reason: "mismatch", decode: compiled };
}

function whole(generated: DecodeFrom, source: ByteSource, compiled: Decode): Decode {
  return (bytes, start, end) => {
    source.reset(bytes, start, end);
    const last = source.end;
    const record = generated(bytes, source.position, last);
    return record !== undefined && cursor.at === last ? record : compiled(bytes, start, end);
  };
}

/** Whether both ways give the same for some records. */
function agree(generated: Decode, compiled: Decode, writer: AvroRecordSchema): boolean {
  try {
    return sampleBytesOf(writer).every((bytes) => isSameNative(outcome(generated, bytes), outcome(compiled, bytes)));
  } catch {
    return false;
  }
}

/** The record, or the sentence of why there is none: a sample may be one that this reader cannot take. */
function outcome(decode: Decode, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
}
