// Records to encode: what a contract, avsc and fastavro all know by the same schema.
import { parseContract, type Contract } from "@mainstem/contract";
import avro from "avsc";
import { createBodies, eventSchema } from "../ingest-http/events.ts";

/** Records of one shape: their contract, and avsc's type of the same schema. */
export interface Shape {
  readonly title: string;
  readonly contract: Contract;
  readonly type: avro.Type;
  /** NDJSON, a thousand records. */
  readonly body: Buffer;
  readonly lines: readonly string[];
}

const recordsEach = 1_000;

/** Ten fields, about 200 bytes of JSON. */
export function eventShape(): Shape {
  const [body] = createBodies({ bodies: 1, records: recordsEach });
  return shapeOf("10 fields", eventSchema, (body as Buffer).toString().trimEnd().split("\n"));
}

/** Two hundred fields of five types. */
export function wideShape(): Shape {
  const types = ["long", "string", "double", "boolean", ["null", "int"]] as const;
  const fields = Array.from({ length: 200 }, (_, index) => ({ name: `column_${index}`, type: types[index % types.length] }));
  const valueOf = (record: number, index: number) =>
    [
      record * 7_919 + index,
      `text ${(record * index) % 10_007}`,
      ((record * index) % 100_003) / 100,
      (record + index) % 3 === 0,
      record % 4 === 0 ? null : index,
    ][index % types.length];
  const schema = { type: "record", name: "wide", namespace: "bench", fields: [{ name: "id", type: "string" }, { name: "at", type: "long" }, ...fields] };
  const records = Array.from({ length: recordsEach }, (_, record) => ({
    id: `w-${record}`,
    at: 1_766_000_000_000_000 + record,
    ...Object.fromEntries(fields.map(({ name }, index) => [name, valueOf(record, index)])),
  }));
  return shapeOf(
    "200 fields",
    schema,
    records.map((record) => JSON.stringify(record)),
  );
}

/** An order with its buyer and its lines: records in records, in arrays, in records. */
export function nestedShape(): Shape {
  const address = { type: "record", name: "Address", fields: ["street", "city", "zip", "country"].map((name) => ({ name, type: "string" })) };
  const line = {
    type: "record",
    name: "Line",
    fields: [
      { name: "sku", type: "string" },
      { name: "quantity", type: "int" },
      { name: "price", type: "double" },
      { name: "labels", type: { type: "array", items: "string" } },
    ],
  };
  const buyer = {
    type: "record",
    name: "Buyer",
    fields: [
      { name: "name", type: "string" },
      { name: "address", type: ["null", address] },
    ],
  };
  const fields = [
    { name: "id", type: "string" },
    { name: "at", type: "long" },
    { name: "buyer", type: buyer },
    { name: "lines", type: { type: "array", items: line } },
    { name: "attributes", type: { type: "map", values: "string" } },
  ];
  const records = Array.from({ length: recordsEach }, (_, record) => ({
    id: `o-${record}`,
    at: 1_766_000_000_000_000 + record,
    buyer: {
      name: `Buyer ${record % 997}`,
      address: record % 5 === 0 ? null : { street: `Long Street ${record % 211}`, city: "Munich", zip: `8${record % 10_000}`, country: "DE" },
    },
    lines: Array.from({ length: 1 + (record % 6) }, (_line, index) => ({
      sku: `sku-${record * 7 + index}`,
      quantity: index + 1,
      price: (record % 10_000) / 100,
      labels: index % 2 === 0 ? ["new", "red"] : [],
    })),
    attributes: record % 3 === 0 ? { channel: "web", campaign: `c${record % 17}` } : {},
  }));
  return shapeOf(
    "nested",
    { type: "record", name: "nested", namespace: "bench", fields },
    records.map((record) => JSON.stringify(record)),
  );
}

function shapeOf(
  title: string,
  schema: { readonly name: string; readonly fields: readonly object[]; readonly type: string; readonly namespace: string },
  lines: readonly string[],
): Shape {
  const contract = parseContract({ formatVersion: 1, name: `bench.${schema.name}`, schema, key: ["id"], order: ["at"], merge: { kind: "latest" } });
  const type = avro.Type.forSchema(schema as never, { wrapUnions: false });
  return { title, contract, type, lines, body: Buffer.from(lines.map((line) => `${line}\n`).join("")) };
}
