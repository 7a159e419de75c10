import { ByteSink } from "./avro/byte-sink.ts";
import type { AvroField, AvroRecordSchema, AvroTypeSchema } from "./avro/schema.ts";
import { unwrapNullable } from "./avro/schema.ts";
import { refuseConflicts } from "./check-conflicts.ts";
import type { Check, RangeBounds } from "./contract.ts";
import { rangeBounds } from "./contract.ts";
import { isObject, type IssueList } from "./issue-list.ts";
import { patternFault } from "./patterns/rules.ts";
import { compileDefault } from "./records/native-reader.ts";
import { comparerOf, compileDemand, isRangedKind, isRecordCheck } from "./records/demands.ts";
import { Faults } from "./records/faults.ts";
import { compileJsonWrite } from "./records/json-writer.ts";
import { compileToJson } from "./records/to-json.ts";
import type { ValueKind } from "./value-kind.ts";
import { kindOf } from "./value-kind.ts";

const checksMax = 200;
const valuesMax = 1_000;
const checkKinds = ["sum", "min", "max", "unique", "notNull", "range", "length", "oneOf", "matches", "freshness", "volume"] as const;
type CheckKind = (typeof checkKinds)[number];
type Json = Readonly<Record<string, unknown>>;
interface Place {
  readonly path: string;
  readonly issues: IssueList;
}

const properties: Readonly<Record<CheckKind, readonly string[]>> = {
  sum: ["field"],
  min: ["field"],
  max: ["field"],
  unique: ["field"],
  notNull: ["field"],
  range: ["field", ...rangeBounds],
  length: ["field", "min", "max"],
  oneOf: ["field", "values"],
  matches: ["field", "pattern"],
  freshness: ["within"],
  volume: ["within", "min", "max"],
};

/** Checks the checks of a contract against its schema. */
export function parseChecks(json: unknown, schema: AvroRecordSchema, issues: IssueList): readonly Check[] {
  if (json === undefined) return [];
  if (!Array.isArray(json) || json.length > checksMax) {
    issues.invalid("checks", `The checks must be an array of at most ${checksMax} objects: { "kind": … }.`);
    return [];
  }
  const checks = json.map((item: unknown, index) => parseCheck(item, schema, { path: `checks[${index}]`, issues })).filter((check) => check !== undefined);
  // What follows tries values, which it can only where everything else is right.
  if (issues.list.length === 0) refuseConflicts(checks, (path) => fieldAt(schema, path) as AvroField, issues);
  if (issues.list.length === 0) checks.forEach((check, index) => checkDefault(check, schema, { path: `checks[${index}]`, issues }));
  return checks;
}

/** A default that fails a check would let in, unseen, what the check is to keep out. */
function checkDefault(check: Check, schema: AvroRecordSchema, place: Place): void {
  if (!isRecordCheck(check)) return;
  const field = fieldAt(schema, check.field) as AvroField;
  const fallback = compileDefault(field);
  if (fallback === undefined) return;
  const demand = compileDemand([check]);
  const write = compileJsonWrite(field.type, { path: check.field, demand });
  const faults = new Faults();
  if (demand(check.field, field.type, write)(compileToJson(field.type)(fallback()), new ByteSink(64), faults)) return;
  place.issues.invalid(place.path, `The default of ${check.field} fails this check: expected ${faults.take()[0]?.expected}.`);
}

/** The field at a path through records; undefined where there is none. */
export function fieldAt(schema: AvroRecordSchema, path: string): AvroField | undefined {
  const [first, ...rest] = path.split(".");
  const field = schema.fields.find((candidate) => candidate.name === first);
  if (field === undefined || rest.length === 0) return field;
  const type = unwrapNullable(field.type)?.type;
  return type?.type === "record" ? fieldAt(type, rest.join(".")) : undefined;
}

function parseCheck(json: unknown, schema: AvroRecordSchema, place: Place): Check | undefined {
  const kind = isObject(json) ? checkKinds.find((candidate) => candidate === json["kind"]) : undefined;
  if (!isObject(json) || kind === undefined) return place.issues.invalid(`${place.path}.kind`, `The kind of a check must be one of ${checkKinds.join(" ")}.`);
  place.issues.onlyProperties(json, { path: place.path, known: ["kind", ...properties[kind]] });
  if (kind === "freshness") {
    const within = parseWithin(json, place);
    return within === undefined ? undefined : { kind, within };
  }
  if (kind === "volume") return parseVolume(json, place);
  const field = json["field"];
  const target = typeof field === "string" ? fieldAt(schema, field) : undefined;
  const type = target === undefined ? undefined : unwrapNullable(target.type)?.type;
  if (typeof field !== "string" || target === undefined) {
    return place.issues.invalid(`${place.path}.field`, "The field must be one of the schema, or a path through records such as address.zip.");
  }
  return type === undefined ? undefined : parseFieldCheck(kind, { json, field, type }, place);
}

type FieldCheck = { readonly json: Json; readonly field: string; readonly type: AvroTypeSchema };

function parseFieldCheck(kind: Exclude<CheckKind, "freshness" | "volume">, of: FieldCheck, place: Place): Check | undefined {
  const { json, field } = of;
  const own = kindOf(of.type);
  const fault = kindFault(kind, own);
  if (fault !== undefined) return place.issues.invalid(`${place.path}.field`, fault);
  if (kind === "range") return parseRange(of, place);
  if (kind === "length") return parseLength(of, place);
  if (kind === "oneOf") return parseOneOf(of, place);
  if (kind !== "matches") return { kind, field };
  const pattern = json["pattern"];
  if (typeof pattern !== "string") return place.issues.invalid(`${place.path}.pattern`, "The pattern must be a text.");
  const patternIssue = patternFault(pattern);
  return patternIssue === undefined ? { kind, field, pattern } : place.issues.invalid(`${place.path}.pattern`, patternIssue);
}

function kindFault(check: CheckKind, kind: ValueKind): string | undefined {
  if (check === "sum") return ["int", "long", "float", "double", "decimal"].includes(kind) ? undefined : `A ${kind} has no sum; it takes a number.`;
  if (check === "min" || check === "max" || check === "range")
    return isRangedKind(kind) ? undefined : `A ${kind} has no ${check}; it takes a number, a date or a time.`;
  if (check === "oneOf")
    return ["string", "enum", "uuid", "int", "long"].includes(kind) ? undefined : `oneOf does not take a ${kind}, but a string or a whole number.`;
  if (check === "length") return kind === "string" || kind === "array" ? undefined : `length takes a string or an array, not a ${kind}.`;
  if (check === "matches") return kind === "string" ? undefined : `matches takes a string, not a ${kind}.`;
  if (check === "unique") return kind === "array" || kind === "map" || kind === "record" ? `unique does not take a ${kind}.` : undefined;
  return undefined;
}

function parseRange(of: FieldCheck, place: Place): Check | undefined {
  const compare = comparerOf(of.type);
  const given = rangeBounds.filter((name) => of.json[name] !== undefined);
  if (given.length === 0) return place.issues.invalid(place.path, `A range needs a bound: ${rangeBounds.join(", ")}.`);
  const bounds: RangeBounds = Object.fromEntries(given.map((name) => [name, toPlain(of.json[name], of.type)]));
  for (const name of given) {
    if (compare(bounds[name]) === undefined)
      place.issues.invalid(`${place.path}.${name}`, "The bound must be a value that the field can have, as it is written in JSON.");
  }
  return { kind: "range", field: of.field, ...bounds };
}

function parseLength(of: FieldCheck, place: Place): Check | undefined {
  const { min, max } = of.json;
  if (
    (min !== undefined && !isCount(min)) ||
    (max !== undefined && !isCount(max)) ||
    (min ?? max) === undefined ||
    (isCount(min) && isCount(max) && max < min)
  ) {
    return place.issues.invalid(place.path, "A length needs min, max or both: whole numbers, max not below min.");
  }
  return { kind: "length", field: of.field, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function parseOneOf(of: FieldCheck, place: Place): Check | undefined {
  const { values: given } = of.json;
  const values: unknown = Array.isArray(given) ? given.map((value) => toPlain(value, of.type)) : given;
  const whole = ["int", "long"].includes(kindOf(of.type));
  const good = (value: unknown) => (whole ? comparerOf(of.type)(value) !== undefined : typeof value === "string");
  if (!Array.isArray(values) || values.length === 0 || values.length > valuesMax || !values.every(good)) {
    return place.issues.invalid(`${place.path}.values`, `The values must be an array of 1 to ${valuesMax} ${whole ? "whole numbers" : "strings"}.`);
  }
  const { type } = of;
  const foreign = type.type === "enum" ? (values as string[]).find((value) => !type.symbols.includes(value)) : undefined;
  if (type.type === "enum" && foreign !== undefined)
    return place.issues.invalid(`${place.path}.values`, `${of.field} has no symbol ${foreign}; it has ${type.symbols.join(" ")}.`);
  return { kind: "oneOf", field: of.field, values: values as (string | number)[] };
}

/** A value of the field as a contract has it: whole numbers beyond 2^53 are text, but those of floats and doubles. */
function toPlain(value: unknown, { type }: AvroTypeSchema): unknown {
  if (typeof value !== "bigint" || type === "string" || type === "enum") return value;
  return Number.isSafeInteger(Number(value)) || type === "float" || type === "double" ? Number(value) : value.toString();
}

function parseVolume(json: Json, place: Place): Check | undefined {
  const within = parseWithin(json, place);
  const { min, max } = json;
  if (!isCount(min) || (max !== undefined && (!isCount(max) || max < min))) {
    return place.issues.invalid(place.path, "A volume needs min, and may have max: numbers of records, max not below min.");
  }
  return within === undefined ? undefined : { kind: "volume", within, min, ...(max === undefined ? {} : { max }) };
}

function parseWithin(json: Json, place: Place): string | undefined {
  const { within } = json;
  if (typeof within === "string" && /^[1-9]\d{0,8}(?:ms|s|m|h|d)$/.test(within)) return within;
  return place.issues.invalid(`${place.path}.within`, "within must be a duration such as 30s, 15m, 1h or 7d.");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
