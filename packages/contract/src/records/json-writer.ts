import { ByteSink } from "../avro/byte-sink.ts";
import { defaultToValue } from "../avro/default-value.ts";
import type { AvroArraySchema, AvroField, AvroMapSchema, AvroRecordSchema, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "../avro/schema.ts";
import { attributeOf, isUnion, unwrapNullable } from "../avro/schema.ts";
import { branchesByLook, branchNameOf, isWrapped, lookOf, unwrap } from "../avro/union.ts";
import { compileWriter } from "../avro/writer.ts";
import type { Faults } from "./faults.ts";
import { cut, describe } from "./faults.ts";
import type { JsonWrite } from "./json-leaves.ts";
import { compileLeaf, describeType } from "./json-leaves.ts";

/** Puts what a declaration demands beyond the type around the writer of a field; `path` is as `address.zip`. */
export type Demand = (path: string, schema: AvroSchema, write: JsonWrite) => JsonWrite;

interface WriteOptions {
  readonly path: string;
  readonly demand: Demand;
  /** What is within a field marked pii: faults do not tell the keys of its maps. */
  readonly hidden?: boolean;
}

/**
 * Compiles the check-and-write of JSON values of a type that does not contain itself. Values of general unions are plain,
 * or `{ "<branch>": value }` where two branches look alike in JSON.
 */
export function compileJsonWrite(schema: AvroSchema, options: WriteOptions): JsonWrite {
  if (!isUnion(schema)) return compileType(schema, { ...options, expected: describeType(schema) });
  const own = unwrapNullable(schema);
  if (own === undefined) return compileUnion(schema, options);
  const write = compileType(own.type, { ...options, expected: `${describeType(own.type)}, or null` });
  const nullByte = schema[0]?.type === "null" ? 0 : 2;
  const valueByte = 2 - nullByte;
  return (value, sink, faults) => {
    if (value === null) {
      sink.writeByte(nullByte);
      return true;
    }
    sink.writeByte(valueByte);
    return write(value, sink, faults);
  };
}

function compileUnion(schema: AvroUnionSchema, options: WriteOptions): JsonWrite {
  const writes = schema.map((branch) => compileJsonWrite(branch, options));
  const expected = describeUnion(schema);
  const names = schema.map(branchNameOf);
  const byLook = branchesByLook(schema);
  const wrapped = isWrapped(schema);
  const find = (value: unknown): { readonly index: number; readonly value: unknown } | undefined => {
    if (wrapped) return unwrap(schema, names, value);
    const index = byLook.get(lookOf(value));
    return index === undefined ? undefined : { index, value };
  };
  return (value, sink, faults) => {
    const branch = find(value);
    if (branch === undefined) return faults.fail(expected, value);
    sink.writeInt(branch.index);
    const mark = faults.count;
    if ((writes[branch.index] as JsonWrite)(branch.value, sink, faults)) return true;
    if (wrapped && value !== null) faults.prefix(mark, names[branch.index]);
    return false;
  };
}

function describeUnion(schema: AvroUnionSchema): string {
  if (!isWrapped(schema)) return schema.map(describeType).join(", or ");
  const others = schema.filter((branch) => branch.type !== "null").map((branch) => JSON.stringify(branchNameOf(branch)));
  return `an object with one property of ${others.join(" ")}${others.length < schema.length ? ", or null" : ""}`;
}

type TypeOptions = WriteOptions & { readonly expected: string };

function compileType(schema: AvroTypeSchema, options: TypeOptions): JsonWrite {
  switch (schema.type) {
    case "record":
      return compileJsonRecord(schema, options);
    case "array":
      return compileArray(schema, options);
    case "map":
      return compileMap(schema, options);
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
    case "enum":
    case "fixed":
    default:
      return compileLeaf(schema, options.expected);
  }
}

/** One field of a record, with everything that the loop over a record's fields needs. */
interface FieldPlan {
  readonly name: string;
  readonly write: JsonWrite;
  /** The default in Avro binary. */
  readonly fallback: Uint8Array | undefined;
  readonly expected: string;
  readonly hidden: boolean;
  /** Every object inherits a property of this name: only an own one counts. */
  readonly inherited: boolean;
  /** Names that the field had, which older producers still send. */
  readonly aliases: readonly string[];
}

/**
 * As `compileJsonWrite`, for a record. `ends[i]`, where given, is set to the sink's position after field i:
 * how the key's bytes are found again without encoding them twice.
 */
export function compileJsonRecord(schema: AvroRecordSchema, options: TypeOptions & { readonly ends?: Int32Array }): JsonWrite {
  const plans = schema.fields.map((field) => planOf(field, options));
  const { expected, ends } = options;
  return (value, sink, faults) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return faults.fail(expected, value);
    const record = value as Readonly<Record<string, unknown>>;
    let good = true;
    let used = 0;
    for (let index = 0; index < plans.length; index++) {
      const plan = plans[index] as FieldPlan;
      const direct = plan.inherited && !Object.hasOwn(record, plan.name) ? undefined : record[plan.name];
      const item = direct === undefined && plan.aliases.length > 0 ? valueOfAlias(plan, record) : direct;
      if (item !== undefined) {
        used++;
        const mark = faults.count;
        if (!plan.write(item, sink, faults)) good = noteFault(plan, mark, faults);
      } else if (plan.fallback !== undefined) {
        sink.writeRaw(plan.fallback);
      } else {
        good = faults.failAs(plan.expected, "missing", plan.name);
      }
      if (ends !== undefined) ends[index] = sink.position;
    }
    let own = 0;
    for (const _ in record) own++;
    return own === used ? good : refuseOthers(plans, record, faults) && good;
  };
}

function planOf(field: AvroField, options: TypeOptions): FieldPlan {
  const path = options.path === "" ? field.name : `${options.path}.${field.name}`;
  const hidden = options.hidden === true || attributeOf(field, "pii") === true;
  const write = compileJsonWrite(field.type, { path, demand: options.demand, hidden });
  const own = unwrapNullable(field.type);
  const expected = own === undefined ? describeUnion(field.type as AvroUnionSchema) : `${describeType(own.type)}${own.nullable ? ", or null" : ""}`;
  return {
    name: field.name,
    write: options.demand(path, field.type, write),
    fallback: fallbackOf(field),
    expected,
    hidden,
    inherited: field.name in Object.prototype,
    aliases: field.aliases ?? [],
  };
}

function fallbackOf(field: AvroField): Uint8Array | undefined {
  if (field.default === undefined) return undefined;
  const sink = new ByteSink(64);
  compileWriter(field.type)(defaultToValue(field.type, field.default), sink);
  return sink.copy();
}

function noteFault(plan: FieldPlan, mark: number, faults: Faults): false {
  faults.prefix(mark, plan.name);
  if (plan.hidden) faults.hide(mark);
  return false;
}

/** The value under the first of the field's earlier names that the record has. */
function valueOfAlias({ aliases }: FieldPlan, record: Readonly<Record<string, unknown>>): unknown {
  const name = aliases.find((alias) => Object.hasOwn(record, alias) && record[alias] !== undefined);
  return name === undefined ? undefined : record[name];
}

/** False when the record has properties that are no fields, or a field under two of its names. One that is undefined is not there. */
function refuseOthers(plans: readonly FieldPlan[], record: Readonly<Record<string, unknown>>, faults: Faults): boolean {
  let good = true;
  const owners = new Map(plans.flatMap((plan) => [plan.name, ...plan.aliases].map((name) => [name, plan] as const)));
  const given = new Map<FieldPlan, string>();
  for (const name of Object.keys(record)) {
    if (record[name] === undefined) continue;
    const plan = owners.get(name);
    const twin = plan === undefined ? undefined : given.get(plan);
    if (plan !== undefined && twin === undefined) {
      given.set(plan, name);
      continue;
    }
    const mark = faults.count;
    // The value may be personal data under a name that was mistyped: only its kind is told.
    const kind = describe(record[name]).split(" ", 1)[0] as string;
    faults.failAs(twin === undefined ? "no such field" : `only one of ${cut(twin)} and ${cut(name)}, which are one field`, kind);
    faults.prefix(mark, name);
    good = false;
  }
  return good;
}

function compileArray(schema: AvroArraySchema, options: TypeOptions): JsonWrite {
  const write = compileJsonWrite(schema.items, { ...options, path: `${options.path}[]` });
  return (value, sink, faults) => {
    if (!Array.isArray(value)) return faults.fail(options.expected, value);
    const items = value as readonly unknown[];
    let good = true;
    if (items.length > 0) sink.writeLong(items.length);
    for (let index = 0; index < items.length; index++) {
      const mark = faults.count;
      if (write(items[index], sink, faults)) continue;
      faults.prefix(mark, index);
      good = false;
    }
    sink.writeByte(0);
    return good;
  };
}

function compileMap(schema: AvroMapSchema, options: TypeOptions): JsonWrite {
  const write = compileJsonWrite(schema.values, { ...options, path: `${options.path}{}` });
  return (value, sink, faults) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return faults.fail(options.expected, value);
    const names = Object.keys(value);
    let good = true;
    if (names.length > 0) sink.writeLong(names.length);
    for (const name of names) {
      const mark = faults.count;
      const fits = sink.writeString(name)
        ? write((value as Readonly<Record<string, unknown>>)[name], sink, faults)
        : faults.failAs("key without lone surrogates", "string");
      if (fits) continue;
      faults.prefix(mark, options.hidden === true ? undefined : name);
      good = false;
    }
    sink.writeByte(0);
    return good;
  };
}
