import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroRecordSchema, AvroSchema } from "../avro/schema.ts";
import { isUnion } from "../avro/schema.ts";
import { Faults } from "../records/faults.ts";
import { compileJsonWrite } from "../records/json-writer.ts";
import { kindOf } from "../value-kind.ts";
import type { LeafKind } from "./plan.ts";
import type { Sample } from "./samples.ts";
import { leafOf, samples } from "./samples.ts";

/** Items in one array or map: those of arrays in arrays multiply. */
const itemsMax = 2;
/** Enough to go through every branch of most unions. */
const rounds = 6;

/** Records of a schema that does not contain itself, in Avro binary: what generated readers are tried with before they are trusted. */
export function sampleBytesOf(schema: AvroRecordSchema): readonly Uint8Array[] {
  return Array.from({ length: rounds }, (_, round) => {
    const sink = new ByteSink(256);
    write(schema, round, sink);
    return sink.copy();
  });
}

function write(schema: AvroSchema, round: number, sink: ByteSink): void {
  const sample = samples[round % samples.length] as Sample;
  if (isUnion(schema)) {
    const branch = schema[round % schema.length];
    sink.writeInt(round % schema.length);
    return branch === undefined ? undefined : write(branch, round, sink);
  }
  if (schema.type === "record") for (const field of schema.fields) write(field.type, round, sink);
  else if (schema.type === "array" || schema.type === "map") {
    const items = Math.min(sample, itemsMax);
    if (items > 0) sink.writeLong(items);
    for (let index = 0; index < items; index++) {
      if (schema.type === "map") sink.writeString(`key ${index} é`);
      write(schema.type === "map" ? schema.values : schema.items, round + index, sink);
    }
    sink.writeByte(0);
  } else {
    const json = leafOf({ kind: kindOf(schema) as LeafKind, schema }, sample);
    compileJsonWrite(schema, { path: "", demand: (_path, _schema, inner) => inner })(json, sink, new Faults());
  }
}
