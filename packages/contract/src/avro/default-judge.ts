import type { AvroField, AvroSchema, AvroTypeSchema, AvroUnionSchema } from "./schema.ts";
import { hasSymbol, isUnion, schemaLimits, symbolsText } from "./schema.ts";
import { unreachable } from "../unreachable.ts";

/** Of how many values a default consists, or why it is none. */
type Verdict = number | string;

/**
 * Judges whether JSON can be the default of a type. What was judged of a type and a part of the default is remembered: each part may be tried as many
 * types, and each field that is left out takes its own default, so that a short schema could otherwise ask for more steps than anybody has.
 */
export class DefaultJudge {
  readonly #known = new Map<AvroTypeSchema, Map<object, Verdict>>();

  judge(schema: AvroSchema, json: unknown, depth = 0): Verdict {
    if (depth > schemaLimits.depthMax) return tooDeep;
    return isUnion(schema) ? this.#union(schema, json, depth) : this.#type(schema, json, depth);
  }

  /** The branch that a default of a union belongs to: the first that it fits. */
  branchOf(schema: AvroUnionSchema, json: unknown): number {
    return schema.findIndex((branch) => typeof this.#type(branch, json, 0) === "number");
  }

  #union(schema: AvroUnionSchema, json: unknown, depth: number): Verdict {
    let first: string | undefined;
    for (const branch of schema) {
      const verdict = this.#type(branch, json, depth);
      if (typeof verdict === "number" || decides(verdict)) return verdict;
      first ??= verdict;
    }
    if (first === undefined) return "A union without types has no default.";
    return schema.length === 1 ? first : `The default fits none of the union's types. ${first}`;
  }

  #type(schema: AvroTypeSchema, json: unknown, depth: number): Verdict {
    if (typeof json !== "object" || json === null) return faultOfLeaf(schema, json) ?? 1;
    const known = this.#known.get(schema) ?? new Map<object, Verdict>();
    this.#known.set(schema, known);
    const before = known.get(json);
    if (before !== undefined) return before;
    // Whoever comes here again on the way has left a field out whose default leaves it out again.
    known.set(json, endless);
    const verdict = this.#parts(schema, json, depth);
    known.set(json, verdict);
    return verdict;
  }

  #parts(schema: AvroTypeSchema, json: object, depth: number): Verdict {
    if (schema.type === "record") return this.#record(schema.fields, json, depth);
    const isList = Array.isArray(json);
    if (schema.type === "array" && isList) return this.#items(schema.items, json, depth);
    if (schema.type === "map" && !isList) return this.#items(schema.values, Object.values(json), depth);
    return faultOfLeaf(schema, json) ?? 1;
  }

  #items(schema: AvroSchema, items: readonly unknown[], depth: number): Verdict {
    let values = 1;
    for (const item of items) {
      const verdict = this.judge(schema, item, depth + 1);
      if (typeof verdict === "string") return verdict;
      values += verdict;
    }
    return values;
  }

  #record(fields: readonly AvroField[], json: object, depth: number): Verdict {
    if (Array.isArray(json)) return mustBeRecord;
    const names = new Set(fields.map(({ name }) => name));
    const unknown = Object.keys(json).find((name) => !names.has(name));
    if (unknown !== undefined) return `The default has a field ${JSON.stringify(unknown)} that the record does not have.`;
    let values = 1;
    for (const field of fields) {
      const value = memberOf(json as Readonly<Record<string, unknown>>, field);
      if (value === undefined) return `The default lacks the field ${field.name}.`;
      const verdict = this.judge(field.type, value, depth + 1);
      if (typeof verdict === "string") return `In field ${field.name}: ${verdict}`;
      values += verdict;
    }
    return values;
  }
}

/** What a default says of a field, or that field's own default where it says nothing. */
export function memberOf(json: Readonly<Record<string, unknown>>, field: AvroField): unknown {
  return Object.hasOwn(json, field.name) ? json[field.name] : field.default;
}

const exactly = "written digit by digit, and as a bigint in code, as `parseExact` reads it.";
const lostDigits = `The default is beyond 2^53 and may have lost digits: it must come ${exactly}`;
const tooDeep = `The default is nested more than ${schemaLimits.depthMax} deep.`;
const endless = "The default never ends: it leaves out a field whose default leaves it out again.";
const mustBeRecord = "The default must be an object with the record's fields.";

/**
 * Whether a fault counts even where another type of the union would take the default. What may be a long that lost digits is not taken for the double
 * that comes after: its text would be read as the long.
 */
function decides(fault: string): boolean {
  return fault.endsWith(lostDigits) || fault.endsWith(tooDeep) || fault.endsWith(endless);
}

function faultOfLeaf(schema: AvroTypeSchema, json: unknown): string | undefined {
  switch (schema.type) {
    case "null":
      return json === null ? undefined : "The default must be null.";
    case "boolean":
      return typeof json === "boolean" ? undefined : "The default must be true or false.";
    case "int":
      return typeof json === "number" && (json | 0) === json ? undefined : "The default must be a whole number of 32 bits.";
    case "long":
      if (Number.isSafeInteger(json) || (typeof json === "bigint" && isLong(json))) return undefined;
      if (typeof json === "number" && Number.isInteger(json) && isLong(BigInt(json))) return lostDigits;
      return `The default must be a whole number of 64 bits; one that lost digits must come ${exactly}`;
    case "float":
      return isFinite(json) && Number.isFinite(Math.fround(Number(json))) ? undefined : "The default must be a number that a float can hold.";
    case "double":
      return isFinite(json) ? undefined : "The default must be a number.";
    case "string":
      return typeof json === "string" && json.isWellFormed() ? undefined : "The default must be a text.";
    case "bytes":
      return isByteText(json) ? undefined : "The default must be a text whose characters are the bytes (\\u0000 to \\u00ff).";
    case "fixed":
      return isByteText(json) && json.length === schema.size
        ? undefined
        : `The default must be a text of ${schema.size} characters that are the bytes (\\u0000 to \\u00ff).`;
    case "enum":
      return typeof json === "string" && hasSymbol(schema, json) ? undefined : `The default must be one of ${symbolsText(schema.symbols)}.`;
    case "array":
      return "The default must be an array.";
    case "map":
      return "The default must be an object.";
    case "record":
      return mustBeRecord;
    default:
      return unreachable(schema);
  }
}

function isLong(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

/** Whether a number, or a bigint where it is too large for one, has a finite double. */
function isFinite(json: unknown): boolean {
  return Number.isFinite(typeof json === "bigint" ? Number(json) : json);
}

function isByteText(json: unknown): json is string {
  return typeof json === "string" && !/[^\u0000-\u00ff]/.test(json);
}
