import type { AvroField, AvroRecordSchema, AvroTypeSchema } from "../avro/schema.ts";
import { attributeOf, unwrapNullable } from "../avro/schema.ts";
import { sameJson } from "../avro/schema-text.ts";
import { clockAttribute, isClock } from "../clock/hlc.ts";
import { compileDefault } from "../records/native-reader.ts";
import { compileToJson } from "../records/to-json.ts";
import { unreachable } from "../unreachable.ts";
import { kindOf } from "../value-kind.ts";
import { typeText } from "./record-types.ts";
import { defaultOf } from "./zod-default.ts";

type Json = Readonly<Record<string, unknown>>;

/** A piece of TypeScript, and the Avro JSON that `dataset()` will make of it. */
interface Piece {
  readonly source: string;
  readonly json: unknown;
}

interface Place {
  /** The dataset's name without its namespace. */
  readonly short: string;
  readonly path: string;
  readonly indent: string;
  /** Names that the source takes from @mainstem/contract. */
  readonly imports: Set<string>;
}

/** `z.object({ … })` for a record; undefined where the fields say something that Zod and its metadata cannot. */
export function objectSource(schema: AvroRecordSchema, json: unknown, place: Place): Piece | undefined {
  const fields = (json as { readonly fields: readonly Json[] }).fields;
  const inner = { ...place, indent: `${place.indent}  ` };
  const pieces = schema.fields.map((field, index) => {
    const path = place.path === "" ? field.name : `${place.path}.${field.name}`;
    return fieldSource(field, fields[index] as Json, { ...inner, path });
  });
  if (pieces.some((piece, index) => !sameJson(piece.json, fields[index]))) return undefined;
  const lines = schema.fields.map((field, index) => `${inner.indent}${field.name}: ${pieces[index]?.source},\n`);
  return { source: `z.object({\n${lines.join("")}${place.indent}})`, json: pieces.map((piece) => piece.json) };
}

function fieldSource(field: AvroField, json: Json, place: Place): Piece {
  const typed = wrappedSource(field, json, place);
  const { doc } = field;
  const pii = attributeOf(field, "pii") === true;
  const marks = { ...(pii ? { pii } : {}), ...(field.aliases === undefined ? {} : { aliases: field.aliases }) };
  const meta = { ...(doc === undefined ? {} : { description: doc }), ...marks };
  const source = Object.keys(meta).length === 0 ? typed.source : `${typed.source}.meta(${literal(meta)})`;
  return { source, json: { name: field.name, ...(typed.json as Json), ...(doc === undefined ? {} : { doc }), ...marks } };
}

/** A field's type with its nullability and its default: `json` has `type` and perhaps `default`. */
function wrappedSource(field: AvroField, { type: json }: Json, place: Place): Piece {
  const own = unwrapNullable(field.type);
  const value = defaultValue(field);
  const given = value === undefined ? "" : `.default(${literal(value[0])})`;
  const exact = (): Piece => withDefault(json, `${custom(typeText(field.type, { form: "input", indent: place.indent }), json)}${given}`, value);
  if (own === undefined) return exact();
  if (!own.nullable) {
    const piece = typeSource(own.type, json, place);
    return withDefault(piece.json, `${piece.source}${given}`, value);
  }
  const branches = json as readonly unknown[];
  const nullFirst = branches[0] === "null";
  const piece = typeSource(own.type, branches[nullFirst ? 1 : 0], place);
  if (nullFirst && value === undefined) return { source: `${piece.source}.nullable()`, json: { type: ["null", piece.json] } };
  if (nullFirst && value?.[0] === null) return { source: `${piece.source}.nullish()`, json: { type: ["null", piece.json], default: null } };
  if (!nullFirst && value !== undefined && value[0] !== null) return withDefault([piece.json, "null"], `${piece.source}.nullable()${given}`, value);
  return exact();
}

function withDefault(type: unknown, source: string, value: readonly [unknown] | undefined): Piece {
  if (value === undefined) return { source, json: { type } };
  const fallback = defaultOf(type, value[0]);
  return { source, json: { type, ...("json" in fallback ? { default: fallback.json } : {}) } };
}

/** The default as records have it in JSON. In an array, so that there can be none. */
function defaultValue(field: AvroField): readonly [unknown] | undefined {
  const make = compileDefault(field);
  return make === undefined ? undefined : [compileToJson(field.type)(make())];
}

/** What Zod says of a type where that comes to exactly this Avro type, else the Avro type itself. */
function typeSource(type: AvroTypeSchema, json: unknown, place: Place): Piece {
  // What Zod would make of it may name helpers that are then not needed.
  const imports = new Set<string>();
  const natural = naturalSource(type, json, { ...place, imports });
  if (natural === undefined || !sameJson(natural.json, json)) return { source: custom(typeText(type, { form: "input", indent: place.indent }), json), json };
  for (const name of imports) place.imports.add(name);
  return natural;
}

function custom(text: string, json: unknown): string {
  return `z.custom<${text}>().meta({ avro: ${literal(json)} })`;
}

const helpers: Readonly<Record<string, readonly [string, unknown]>> = {
  timestampMicros: ["timestamp", { type: "long", logicalType: "timestamp-micros" }],
  timestampMillis: ["timestampMillis", { type: "long", logicalType: "timestamp-millis" }],
  localTimestampMicros: ["localTimestamp", { type: "long", logicalType: "local-timestamp-micros" }],
  date: ["date", { type: "int", logicalType: "date" }],
  timeMicros: ["timeOfDay", { type: "long", logicalType: "time-micros" }],
  long: ["long", "long"],
  bytes: ["bytes", "bytes"],
};
const clock = ["hlc", { type: "long", [clockAttribute]: "hlc" }] as const;
const zods: Readonly<Record<string, readonly [string, unknown]>> = {
  boolean: ["z.boolean()", "boolean"],
  int: ["z.int32()", "int"],
  float: ["z.float32()", "float"],
  double: ["z.number()", "double"],
  string: ["z.string()", "string"],
  uuid: ["z.uuid()", { type: "string", logicalType: "uuid" }],
};

function naturalSource(type: AvroTypeSchema, json: unknown, place: Place): Piece | undefined {
  const kind = kindOf(type);
  const zod = zods[kind];
  if (zod !== undefined) return { source: zod[0], json: zod[1] };
  const helper = isClock(type) ? clock : helpers[kind];
  if (helper !== undefined) {
    place.imports.add(helper[0]);
    return { source: `${helper[0]}()`, json: helper[1] };
  }
  if (typeof json !== "object" || json === null) return undefined;
  switch (type.type) {
    case "bytes": {
      if (kind !== "decimal") return undefined;
      const { precision = 0, scale = 0 } = type;
      place.imports.add("decimal");
      return { source: `decimal(${precision}, ${scale})`, json: { type: "bytes", logicalType: "decimal", precision, scale } };
    }
    case "enum":
      return { source: `z.enum(${literal(type.symbols)})`, json: { type: "enum", name: nameOf(place), symbols: type.symbols } };
    case "array": {
      const items = innerSource(type.items, (json as Json)["items"], { ...place, path: `${place.path}[]` });
      return items === undefined ? undefined : { source: `z.array(${items.source})`, json: { type: "array", items: items.json } };
    }
    case "map": {
      const values = innerSource(type.values, (json as Json)["values"], { ...place, path: `${place.path}{}` });
      return values === undefined ? undefined : { source: `z.record(z.string(), ${values.source})`, json: { type: "map", values: values.json } };
    }
    case "record": {
      const object = objectSource(type, json, place);
      return object === undefined ? undefined : { source: object.source, json: { type: "record", name: nameOf(place), fields: object.json } };
    }
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "fixed":
      return undefined;
    default:
      return unreachable(type);
  }
}

function innerSource(schema: AvroField["type"], json: unknown, place: Place): Piece | undefined {
  const own = unwrapNullable(schema);
  if (own === undefined) return undefined;
  if (!own.nullable) return typeSource(own.type, json, place);
  const branches = json as readonly unknown[];
  if (branches[0] !== "null") return undefined;
  const piece = typeSource(own.type, branches[1], place);
  return { source: `${piece.source}.nullable()`, json: ["null", piece.json] };
}

/** As the walker of Zod schemas names nested types. */
function nameOf({ short, path }: Place): string {
  return `${short}_${path.replaceAll("[]", "_item").replaceAll("{}", "_value").replaceAll(".", "_")}`;
}

/** A JSON value as TypeScript. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return "{}";
  return `{ ${entries.map(([key, item]) => `${keyText(key)}: ${literal(item)}`).join(", ")} }`;
}

/** As `literal`, a member or an element a line, with its keys in quotes as in JSON. */
export function literalLines(value: unknown, indent = ""): string {
  const items = typeof value === "object" && value !== null ? Object.entries(value).filter(([, item]) => item !== undefined) : [];
  if (items.length === 0) return literal(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const lines = items.map(
    ([key, item]) => `${inner}${isList ? "" : `${key === "__proto__" ? '["__proto__"]' : JSON.stringify(key)}: `}${literalLines(item, inner)}`,
  );
  return `${isList ? "[" : "{"}\n${lines.join(",\n")}\n${indent}${isList ? "]" : "}"}`;
}

function keyText(key: string): string {
  // Written plainly, this one would set the prototype.
  if (key === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key);
}
