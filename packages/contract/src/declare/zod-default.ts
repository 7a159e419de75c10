import { ByteSink } from "../avro/byte-sink.ts";
import { ByteSource } from "../avro/byte-source.ts";
import { compileReader } from "../avro/reader.ts";
import type { AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isRecursive, isUnion } from "../avro/schema.ts";
import { parseAvroSchema } from "../avro/schema-parser.ts";
import { ContractError } from "../errors.ts";
import { Faults } from "../records/faults.ts";
import { compileJsonWrite } from "../records/json-writer.ts";
import { unreachable } from "../unreachable.ts";

/**
 * A default as Avro writes it, from the JSON form that records have: encoded as a record's value would be, read back, and written down.
 * `typeJson` is an Avro type that stands by itself.
 */
export function defaultOf(typeJson: unknown, value: unknown): { readonly json: unknown } | { readonly fault: string } {
  try {
    const schema = parseAvroSchema(typeJson);
    // Values of such a type are not written here, as no contract takes it.
    if (isRecursive(schema)) return { json: value };
    const sink = new ByteSink(64);
    const faults = new Faults();
    if (!compileJsonWrite(schema, { path: "", demand: (_path, _type, write) => write })(value, sink, faults)) {
      const [fault] = faults.take();
      return { fault: `The default must be ${fault?.expected}${fault?.path === "" ? "" : ` at ${fault?.path}`}, not ${fault?.received}.` };
    }
    return { json: toDefaultJson(schema, compileReader(schema)(new ByteSource(sink.view()))) };
  } catch (error) {
    // A type that is wrong is named where it stands, by the parser of the whole.
    if (error instanceof ContractError) return { json: value };
    throw error;
  }
}

/** A year, a month and a bit: the second time differs from the first in the year, the month, the day, the weekday, the hour and all below. */
const laterMs = 400 * 86_400_000 + 3_661_001;

/**
 * What `read` gives, and whether it gives the same again at another time. The clock is put forward for the second call: two calls often fall into one
 * millisecond, and always into one day, so that "now" or "today" would be taken for a constant.
 */
export function constantOf(read: () => unknown): { readonly value: unknown; readonly constant: boolean } {
  const print = (item: unknown) => JSON.stringify(item, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  const value = read();
  const before = globalThis.Date;
  const laterDate = new Proxy(before, {
    construct: (target, args: readonly unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now() + laterMs] : args, newTarget) as Date,
    apply: (target) => new target(target.now() + laterMs).toString(),
    get: (target, key) => (key === "now" ? () => target.now() + laterMs : (Reflect.get(target, key) as unknown)),
  });
  try {
    globalThis.Date = laterDate;
    return { value, constant: print(value) === print(read()) };
  } finally {
    globalThis.Date = before;
  }
}

function toDefaultJson(schema: AvroSchema, value: unknown): unknown {
  const own = isUnion(schema) ? (schema.find(({ type }) => (type === "null") === (value === null)) as AvroTypeSchema) : schema;
  switch (own.type) {
    case "bytes":
    case "fixed":
      return Array.from(value as Uint8Array, (byte) => String.fromCharCode(byte)).join("");
    case "array":
      return (value as readonly unknown[]).map((item) => toDefaultJson(own.items, item));
    case "map":
      return Object.fromEntries(Array.from(value as ReadonlyMap<string, unknown>, ([key, item]) => [key, toDefaultJson(own.values, item)]));
    case "record":
      return Object.fromEntries(own.fields.map((field) => [field.name, toDefaultJson(field.type, (value as Readonly<Record<string, unknown>>)[field.name])]));
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "enum":
      return value;
    default:
      return unreachable(own);
  }
}
