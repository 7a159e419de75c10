import type { AvroRecordSchema } from "../avro/schema.ts";
import { compileGeneratedDecoder, type SlowDecoding } from "../generated/decoder.ts";
import type { Decode } from "./native-reader.ts";
import { compileNativeDecoder } from "./native-reader.ts";

export type { Decode, NativeRecord } from "./native-reader.ts";

/** Whoever decodes but a few records is better served by closures: code is made when there are more. */
const generateAfter = 64;

/**
 * Compiles the decoder of records that were written with `writer`, as `reader` sees them, by Avro's schema resolution: fields by name or alias,
 * fields that only the reader has take their default, fields that only the writer has are skipped, types become nullable or unions, numbers widen,
 * an enum may have other symbols. A logical type may come or go, but one time never becomes another.
 *
 * The range must hold exactly one record. Bytes that are not what the writer's schema says are `avro.malformed`; so is a value that the reader
 * cannot hold (null where it takes none, a symbol that it lacks), a uuid, decimal or time that is none.
 * Schemas that cannot be resolved at all are `contract.incompatible`, thrown here, not at the first record, with `facts.incompatibilities`.
 *
 * After some records code that is generated for the two schemas takes over, where the platform allows that: values and errors stay the same.
 * Where it should and cannot, `onSlow` is told why: `mismatch` means that it failed its self-check, which is a bug worth a log line.
 */
export function compileDecoder(options: {
  readonly writer: AvroRecordSchema;
  readonly reader: AvroRecordSchema;
  readonly onSlow?: (reason: SlowDecoding) => void;
}): Decode {
  const compiled = compileNativeDecoder(options);
  let decode = compiled;
  let decoded = 0;
  return (bytes, start, end) => {
    if (decoded < generateAfter && ++decoded === generateAfter) {
      const generated = compileGeneratedDecoder(options, compiled);
      decode = generated.decode;
      if (generated.kind === "compiled" && generated.reason !== "unsupported") options.onSlow?.(generated.reason);
    }
    return decode(bytes, start, end);
  };
}
