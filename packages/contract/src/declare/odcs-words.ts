import type { AvroField, AvroPrimitiveSchema, AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { attributeOf, isUnion, logicalTypeOf, unwrapNullable } from "../avro/schema.ts";
import type { Check } from "../contract.ts";
import { rangeBounds } from "../contract.ts";
import { unreachable } from "../unreachable.ts";
import { kindOf } from "../value-kind.ts";

export type Json = Readonly<Record<string, unknown>>;
/** A part of an ODCS file while it is written. */
export type Draft = Record<string, unknown>;

/** The rule that says the symbols of an enum: ODCS 3.1 has no other word for them. */
export const symbolsRule = "symbols";
/** What the bounds of a range are called among `logicalTypeOptions`. */
export const boundWords = { min: "minimum", max: "maximum", above: "exclusiveMinimum", below: "exclusiveMaximum" } as const;

/** A field in the words of an ODCS property, as far as ODCS has them. */
export function toProperty(field: AvroField): Draft {
  return {
    name: field.name,
    ...toItem(field.type),
    ...(field.doc === undefined ? {} : { description: field.doc }),
    ...(attributeOf(field, "pii") === true ? { classification: "pii" } : {}),
  };
}

/** Kinds that one word each says, with what narrows it. */
const plainWords: Readonly<Record<string, Json>> = {
  boolean: { logicalType: "boolean", physicalType: "boolean" },
  int: { logicalType: "integer", physicalType: "int", logicalTypeOptions: { format: "i32" } },
  long: { logicalType: "integer", physicalType: "long", logicalTypeOptions: { format: "i64" } },
  float: { logicalType: "number", physicalType: "float" },
  double: { logicalType: "number", physicalType: "double" },
  uuid: { logicalType: "string", physicalType: "uuid", logicalTypeOptions: { format: "uuid" } },
  bytes: { logicalType: "string", physicalType: "bytes", logicalTypeOptions: { format: "binary" } },
  date: { logicalType: "date", physicalType: "date" },
  timeMillis: { logicalType: "time", physicalType: "time-millis" },
  timeMicros: { logicalType: "time", physicalType: "time-micros" },
};

function wordsOf(type: AvroTypeSchema): Draft {
  const kind = kindOf(type);
  const plain = plainWords[kind];
  if (plain !== undefined) return structuredClone(plain) as Draft;
  const logical = logicalTypeOf(type);
  if (kind === "decimal") {
    const { precision = 0, scale = 0 } = type as AvroPrimitiveSchema;
    return { logicalType: "number", physicalType: `decimal(${precision}, ${scale})` };
  }
  if (/timestamp/i.test(kind)) return { logicalType: "timestamp", physicalType: logical, logicalTypeOptions: { timezone: kind.startsWith("timestamp") } };
  switch (type.type) {
    case "enum": {
      const rule = { name: symbolsRule, type: "library", metric: "invalidValues", arguments: { validValues: type.symbols }, mustBe: 0 };
      return { logicalType: "string", physicalType: "enum", quality: [rule] };
    }
    case "fixed":
      return { logicalType: "string", physicalType: `fixed(${type.size})`, logicalTypeOptions: { format: "binary" } };
    case "array":
      return { logicalType: "array", physicalType: "array", items: toItem(type.items) };
    case "record":
      return { logicalType: "object", physicalType: "record", properties: type.fields.map(toProperty) };
    case "map":
      return { logicalType: "object", physicalType: "map" };
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "string":
      return { logicalType: "string", physicalType: "string" };
    default:
      return unreachable(type);
  }
}

function toItem(schema: AvroSchema): Draft {
  const own = unwrapNullable(schema);
  // A choice of types has no word; the Avro type stands beside it.
  if (own === undefined) return { physicalType: "union", required: isUnion(schema) && !schema.some(({ type }) => type === "null") };
  return { ...wordsOf(own.type), required: !own.nullable };
}

/** Says a check in the words of its property. False where ODCS has none, or they are taken by another check. */
export function sayCheck(check: Check, property: Draft): boolean {
  switch (check.kind) {
    case "unique":
      return sayOnce(property, { unique: true });
    case "notNull":
      return sayRule(property, { type: "library", metric: "nullValues", mustBe: 0 });
    case "oneOf":
      return sayRule(property, { type: "library", metric: "invalidValues", arguments: { validValues: check.values }, mustBe: 0 });
    case "matches":
      return sayOptions(property, { pattern: check.pattern });
    case "length": {
      const [min, max] = property["logicalType"] === "array" ? (["minItems", "maxItems"] as const) : (["minLength", "maxLength"] as const);
      return sayOptions(property, {
        ...(check.min === undefined ? {} : { [min]: check.min }),
        ...(check.max === undefined ? {} : { [max]: check.max }),
      });
    }
    case "range": {
      const given = rangeBounds.filter((name) => check[name] !== undefined);
      const counted = property["logicalType"] === "integer" || property["logicalType"] === "number";
      // A bound that is text (a decimal, a long beyond 2^53) would lose digits as ODCS's number, and one that is a number has no place among times.
      if (given.some((name) => (typeof check[name] === "number") !== counted)) return false;
      return sayOptions(property, Object.fromEntries(given.map((name) => [boundWords[name], check[name]])));
    }
    case "sum":
    case "min":
    case "max":
    case "freshness":
    case "volume":
      return false;
    default:
      return unreachable(check);
  }
}

function sayOnce(property: Draft, words: Json): boolean {
  if (Object.keys(words).some((word) => property[word] !== undefined)) return false;
  Object.assign(property, words);
  return true;
}

function sayRule(property: Draft, rule: Json): boolean {
  const rules = (property["quality"] ?? []) as readonly Json[];
  if (rules.some(({ name, metric }) => metric === rule["metric"] && name !== symbolsRule)) return false;
  property["quality"] = [...rules, rule];
  return true;
}

/** Of each kind of option only one check is said: what is read is one check again. */
function sayOptions(property: Draft, words: Json): boolean {
  const options = (property["logicalTypeOptions"] ?? {}) as Json;
  const groups = [Object.values(boundWords), ["minLength", "maxLength"], ["minItems", "maxItems"], ["pattern"]] as readonly (readonly string[])[];
  const group = groups.find((names) => Object.keys(words).some((word) => names.includes(word))) ?? [];
  if (group.some((word) => options[word] !== undefined)) return false;
  property["logicalTypeOptions"] = { ...options, ...words };
  return true;
}
