import type { AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { unwrapNullable } from "../avro/schema.ts";
import type { Check, RangeBounds } from "../contract.ts";
import { rangeBounds } from "../contract.ts";
import { matchedLengthMax } from "../patterns/rules.ts";
import { unreachable } from "../unreachable.ts";
import type { ValueKind } from "../value-kind.ts";
import { kindOf } from "../value-kind.ts";
import { parseDecimal } from "./decimal.ts";
import type { JsonWrite } from "./json-leaves.ts";
import { compileTimeParser, decimalOf, parseLong } from "./json-leaves.ts";
import type { Demand } from "./json-writer.ts";

/** Checks that one record alone can pass or fail: the door holds every record to them. The others are about many records. */
export type RecordCheck = Extract<Check, { readonly kind: "range" | "length" | "oneOf" | "matches" | "notNull" }>;

const recordCheckKinds: ReadonlySet<string> = new Set(["range", "length", "oneOf", "matches", "notNull"] satisfies RecordCheck["kind"][]);

export function isRecordCheck(check: Check): check is RecordCheck {
  return recordCheckKinds.has(check.kind);
}

/** The demands of a contract's checks on the values of its fields. */
export function compileDemand(checks: readonly Check[]): Demand {
  const byPath = Map.groupBy(checks.filter(isRecordCheck), (check) => check.field);
  return (path, schema, write) => (byPath.get(path) ?? []).reduce((inner, check) => compileCheck(check, schema, inner), write);
}

function compileCheck(check: RecordCheck, schema: AvroSchema, write: JsonWrite): JsonWrite {
  const type = unwrapNullable(schema)?.type as AvroTypeSchema;
  switch (check.kind) {
    case "notNull":
      return (value, sink, faults) => (value === null ? faults.fail("a value that is not null", value) : write(value, sink, faults));
    case "range":
    case "length": {
      const { expected, holds } = check.kind === "range" ? compileRange(check, type) : compileLength(check, type);
      return (value, sink, faults) => write(value, sink, faults) && (value === null || holds(value) || faults.fail(expected, value));
    }
    case "oneOf": {
      const same = sameValueOf(type);
      const values = new Set(check.values.map(same));
      const expected = `one of ${check.values.join(" ")}`;
      return (value, sink, faults) => write(value, sink, faults) && (value === null || values.has(same(value)) || faults.fail(expected, value));
    }
    case "matches": {
      const pattern = new RegExp(check.pattern, "u");
      // Longer texts are refused, so that no pattern holds the door up for long.
      const longest = matchedLengthMax(check.pattern);
      const expected = `text that matches ${check.pattern}, at most ${longest} characters`;
      const holds = (text: string) => text.length <= longest && pattern.test(text);
      return (value, sink, faults) => write(value, sink, faults) && (value === null || holds(value as string) || faults.fail(expected, value));
    }
    default:
      return unreachable(check);
  }
}

type Holds = { readonly expected: string; readonly holds: (value: unknown) => boolean };

function compileRange(bounds: RangeBounds, type: AvroTypeSchema): Holds {
  const compare = comparerOf(type);
  const [min, max, above, below] = rangeBounds.map((bound) => (bounds[bound] === undefined ? undefined : compare(bounds[bound])));
  const words = { min: "at least", max: "at most", above: "above", below: "below" };
  const expected = rangeBounds.flatMap((bound) => (bounds[bound] === undefined ? [] : [`${words[bound]} ${bounds[bound]}`])).join(" and ");
  const holds = (value: unknown) => {
    const own = compare(value);
    if (own === undefined) return false;
    return (
      (min === undefined || own >= min) && (max === undefined || own <= max) && (above === undefined || own > above) && (below === undefined || own < below)
    );
  };
  return { expected, holds };
}

function compileLength(check: Extract<Check, { readonly kind: "length" }>, type: AvroTypeSchema): Holds {
  const { min = 0, max = Number.POSITIVE_INFINITY } = check;
  const unit = type.type === "array" ? "items" : "characters";
  const expected = max === Number.POSITIVE_INFINITY ? `at least ${min} ${unit}` : `${min} to ${max} ${unit}`;
  if (type.type === "array") {
    return { expected, holds: (value) => (value as readonly unknown[]).length >= min && (value as readonly unknown[]).length <= max };
  }
  return {
    expected,
    holds: (value) => {
      const text = value as string;
      // A character takes one or two units of a text: most lengths are decided without counting.
      if (text.length < min || text.length > max * 2) return false;
      if (text.length >= min * 2 && text.length <= max) return true;
      const length = countCharacters(text);
      return length >= min && length <= max;
    },
  };
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Brings the JSON forms of one value together, so that they can be looked up in a set. */
function sameValueOf(type: AvroTypeSchema): (value: unknown) => unknown {
  const kind = kindOf(type);
  if (kind === "int" || kind === "long") return (value) => String(parseLong(value));
  return kind === "uuid" ? (value) => (value as string).toLowerCase() : (value) => value;
}

/** Turns JSON values of a type that has a range into what compares like them. */
export function comparerOf(type: AvroTypeSchema): (value: unknown) => number | bigint | undefined {
  const kind = kindOf(type);
  if (kind === "decimal") {
    const options = decimalOf(type);
    return (value) => (typeof value === "string" || typeof value === "number" ? parseDecimal(String(value), options) : undefined);
  }
  if (isTimeKind(kind)) return compileTimeParser(type);
  if (kind === "long" || kind === "int") return parseLong;
  return (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
}

/** Kinds whose values have a least and a greatest that a `range` can bound. */
export function isRangedKind(kind: ValueKind): boolean {
  return kind === "int" || kind === "long" || kind === "float" || kind === "double" || kind === "decimal" || isTimeKind(kind);
}

function isTimeKind(kind: ValueKind): boolean {
  return kind === "date" || kind.startsWith("time") || kind.startsWith("localTimestamp");
}
