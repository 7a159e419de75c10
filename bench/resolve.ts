// What it costs to read what an older writer wrote: fields left out, renamed, widened and added, beside the same records of the newest schema.
import { compileDecoder, parseAvroRecordSchema } from "@mainstem/contract";
import avro from "avsc";
import { decoding } from "./decode.ts";
import { compare, type Bench } from "./harness.ts";
import { eventSchema } from "./ingest-http/events.ts";
import { eventShape } from "./records/shapes.ts";

export const run: Bench = async ({ quick, note }) => {
  const { body, lines } = eventShape();
  const rounds = Math.ceil((quick ? 10_000_000 : 60_000_000) / body.length);
  const records = lines.map((line) => JSON.parse(line) as Event);
  const [older, newest] = [avro.Type.forSchema(olderSchema as never, { wrapUnions: false }), avro.Type.forSchema(newestSchema as never, { wrapUnions: false })];
  const oldValues = records.map(({ account, reference, ...rest }) => older.toBuffer({ ...rest, customer: account, shard: reference, channel: "web" }));
  const newValues = records.map((record) => newest.toBuffer({ ...record, currency: "EUR" }));
  note(`${rounds * records.length} records a run, ${bytesEach(oldValues)} bytes of Avro each from the older writer, ${bytesEach(newValues)} from the newest`);
  const [writer, reader] = [parseAvroRecordSchema(olderSchema), parseAvroRecordSchema(newestSchema)];
  const resolver = newest.createResolver(older);
  return compare({
    bench: "resolve",
    case: "10 fields, older writer",
    unit: "records",
    ours: decoding("older writer", oldValues, { rounds, decode: compileDecoder({ writer, reader }) }),
    peers: [
      decoding("the same schema", newValues, { rounds, decode: compileDecoder({ writer: reader, reader }) }),
      decoding("avsc's resolver", oldValues, { rounds, decode: (bytes) => newest.fromBuffer(bytes, resolver) }),
    ],
    reps: quick ? 5 : 9,
  });
};

interface Event {
  readonly account: string;
  readonly reference: number | null;
}
type Field = (typeof eventSchema.fields)[number];

/** The newest schema renamed `customer`, widened `quantity`, dropped `shard` and `channel`, and added `reference` and `currency`. */
const newestSchema = withFields((field) => {
  if (field.name === "account") return [{ ...field, aliases: ["customer"] }];
  if (field.name === "quantity") return [{ ...field, type: "long" }];
  return field.name === "tags" ? [field, { name: "currency", type: "string", default: "EUR" }] : [field];
});
const olderSchema = withFields((field) => {
  if (field.name === "account") return [{ ...field, name: "customer" }];
  return field.name === "reference"
    ? [
        { name: "shard", type: ["null", "long"] },
        { name: "channel", type: "string" },
      ]
    : [field];
});

function withFields(change: (field: Field) => readonly object[]): object {
  return { ...eventSchema, fields: eventSchema.fields.flatMap(change) };
}

function bytesEach(values: readonly Buffer[]): number {
  return Math.round(values.reduce((sum, value) => sum + value.length, 0) / values.length);
}
