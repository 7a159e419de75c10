import type { AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { isUnion } from "../avro/schema.ts";
import { branchNameOf, isWrapped } from "../avro/union.ts";
import { unreachable } from "../unreachable.ts";

/** Whole numbers from 0 to below `end`; the same ones for the same seed. */
export type Random = (end: number) => number;

/** Source: Tommy Ettinger's mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
}

type Json = Readonly<Record<string, unknown>>;
const numbers = ["int", "long", "float", "double"] as const;
const plain = ["boolean", "bytes", "string", ...numbers] as const;

/** A schema of any shape as JSON, without logical types: unions of several types and records that contain themselves too. A union has one type of number, and bytes or string, not both. */
export function randomSchema(random: Random, depth = 3): unknown {
  let names = 0;
  const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
  const named = (level: number, open: readonly string[]): Json => {
    const name = `N${names++}`;
    const kind = random(level === 0 ? 2 : 4);
    if (kind === 0) return { type: "enum", name, symbols: ["A", "B", "C"].slice(0, 1 + random(3)) };
    if (kind === 1) return { type: "fixed", name, size: 1 + random(4) };
    const fields: Json[] = Array.from({ length: 1 + random(4) }, (_, index) => ({ name: `f${index}`, type: type(level - 1, [...open, name]) }));
    return { type: "record", name, fields: random(3) === 0 ? [...fields, { name: "again", type: ["null", pick([...open, name])] }] : fields };
  };
  const type = (level: number, open: readonly string[]): unknown => {
    const kind = random(level === 0 ? 5 : 10);
    if (kind < 4) return pick(plain);
    if (kind < 6) return named(level, open);
    if (kind === 6) return { type: "array", items: type(level - 1, open) };
    if (kind === 7) return { type: "map", values: type(level - 1, open) };
    const branches: unknown[] = ["null", "boolean", pick(["bytes", "string"]), pick(numbers), named(level - 1, open), named(level - 1, open)];
    return branches.filter(() => random(2) === 0).concat({ type: "array", items: pick(plain) });
  };
  return { type: "record", name: "Root", fields: Array.from({ length: 1 + random(4) }, (_, index) => ({ name: `r${index}`, type: type(depth, ["Root"]) })) };
}

/** A value of a schema, as `compileWriter` takes it. */
export function randomValue(schema: AvroSchema, random: Random, depth = 0): unknown {
  if (isUnion(schema)) {
    const stop = depth > 6 ? schema.findIndex((branch) => branch.type === "null") : -1;
    const branch = schema[stop >= 0 ? stop : random(schema.length)] as AvroTypeSchema;
    const value = randomValue(branch, random, depth + 1);
    return isWrapped(schema) && branch.type !== "null" ? { [branchNameOf(branch)]: value } : value;
  }
  const count = depth > 5 ? 0 : random(4);
  switch (schema.type) {
    case "null":
      return null;
    case "boolean":
      return random(2) === 0;
    case "int":
      return random(2) === 0 ? random(100) - 50 : random(2 ** 32) | 0;
    case "long": {
      const value = BigInt.asIntN(64, (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32))) >> BigInt(random(64));
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case "float":
      return Math.fround((random(2 ** 24) - 2 ** 23) / 256);
    case "double":
      return (random(2 ** 32) - 2 ** 31) / 1000;
    case "bytes":
      return Uint8Array.from({ length: count }, () => random(256));
    case "fixed":
      return Uint8Array.from({ length: schema.size }, () => random(256));
    case "string":
      return Array.from({ length: count }, () => ["a", "ß", "😀", "\u0000"][random(4)]).join("");
    case "enum":
      return schema.symbols[random(schema.symbols.length)];
    case "array":
      return Array.from({ length: count }, () => randomValue(schema.items, random, depth + 1));
    case "map":
      return new Map(Array.from({ length: count }, (_, index) => [`k${index}`, randomValue(schema.values, random, depth + 1)]));
    case "record":
      return Object.fromEntries(schema.fields.map((field) => [field.name, randomValue(field.type, random, depth + 1)]));
    default:
      return unreachable(schema);
  }
}

/**
 * Another schema that values of this one can be read with: wider numbers, unions around types, fields moved, left out, renamed and added. With `far`,
 * also fields whose defaults are longs beyond 2^53.
 */
export function evolvedSchema(json: unknown, random: Random, { far = true }: { readonly far?: boolean } = {}): unknown {
  const evolved = (inner: unknown): unknown => evolvedSchema(inner, random, { far });
  if (typeof json === "string") return evolvedName(json, random);
  if (Array.isArray(json)) return json.map((branch: unknown) => (typeof branch === "string" ? branch : evolved(branch)));
  const schema = json as Json;
  if (schema["type"] === "array") return { ...schema, items: evolved(schema["items"]) };
  if (schema["type"] === "map") return { ...schema, values: evolved(schema["values"]) };
  if (schema["type"] === "enum") return { ...schema, symbols: ["Z", ...(schema["symbols"] as readonly string[]).slice(1)], default: "Z" };
  if (schema["type"] !== "record") return schema;
  const fields = (schema["fields"] as readonly Json[]).map((field): Json => {
    const type = evolved(field["type"]);
    return random(4) === 0 ? { name: `${String(field["name"])}_new`, aliases: [field["name"]], type } : { ...field, type };
  });
  if (random(3) === 0)
    fields.push({ name: "added", type: ["null", "string"], default: null }, { name: "extra", type: { type: "array", items: "int" }, default: [1, 2] });
  if (far && random(3) === 0) {
    const longs = { type: "array", items: ["null", "long"] };
    fields.push({ name: "far", type: "long", default: farLong(random) }, { name: "fars", type: longs, default: [farLong(random), null] });
    fields.push({ name: "wide", type: "double", default: farLong(random) });
  }
  if (random(3) === 0) fields.reverse();
  return { ...schema, fields };
}

/** Beyond 2^53, either way, and within 64 bits. */
function farLong(random: Random): bigint {
  const value = 2n ** 53n + ((BigInt(random(2 ** 32)) << 31n) | BigInt(random(2 ** 31)));
  const long = BigInt.asIntN(64, value);
  return random(2) === 0 ? long : ~long;
}

function evolvedName(name: string, random: Random): unknown {
  const wider = numbers.indexOf(name as (typeof numbers)[number]);
  if (wider >= 0 && random(2) === 0) return numbers[wider + random(numbers.length - wider)];
  if (name === "string" && random(4) === 0) return "bytes";
  return wider >= 0 && random(4) === 0 ? ["null", name] : name;
}
