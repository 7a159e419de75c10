import type { Issue } from "../avro/schema.ts";
import type { Check, RangeBounds } from "../contract.ts";
import { isObject, shown } from "../issue-list.ts";
import { noteValues, noteWords } from "./odcs-unread.ts";
import { boundWords, symbolsRule, type Draft, type Json } from "./odcs-words.ts";

/** A check, and where in the file it is said. */
export interface SaidCheck {
  readonly check: Check;
  readonly at: string;
}

interface Place {
  /** Of the property, in the file. */
  readonly at: string;
  /** Of the field. */
  readonly path: string;
  /** Of the field, as JSON, without null. */
  readonly type: unknown;
  readonly notes: Issue[];
}

export function rulesOf(json: Json): readonly Json[] {
  return Array.isArray(json["quality"]) ? json["quality"].filter(isObject) : [];
}

/** Reads the checks that the words of an ODCS property say. What has no form as one is noted. */
export function readChecks(json: Json, place: Place): readonly SaidCheck[] {
  const unique = json["unique"] === true;
  const rules = rulesOf(json).flatMap((rule, index) => readRule(rule, { ...place, at: `${place.at}.quality[${index}]` }));
  return [
    ...readOptions(isObject(json["logicalTypeOptions"]) ? json["logicalTypeOptions"] : {}, { ...place, at: `${place.at}.logicalTypeOptions` }),
    ...rules.filter(({ check }) => check.kind !== "unique" || !unique),
    ...(unique ? [{ check: { kind: "unique", field: place.path }, at: `${place.at}.unique` } as const] : []),
  ];
}

function readOptions(options: Json, place: Place): readonly SaidCheck[] {
  const { at, path: field, type, notes } = place;
  const checks: Check[] = [];
  const bounds = readBounds(options, type);
  if (Object.keys(bounds).length > 0) checks.push({ kind: "range", field, ...bounds });
  const lengths =
    type === "string" ? (["minLength", "maxLength"] as const) : isObject(type) && type["type"] === "array" ? (["minItems", "maxItems"] as const) : [];
  const [min, max] = lengths.map((word) => options[word] ?? undefined);
  if (min !== undefined || max !== undefined)
    checks.push({ kind: "length", field, ...(min === undefined ? {} : { min: min as number }), ...(max === undefined ? {} : { max: max as number }) });
  const pattern = options["pattern"] ?? undefined;
  if (type === "string" && pattern !== undefined) checks.push({ kind: "matches", field, pattern: pattern as string });
  // A uuid, bytes and symbols have a form of their own.
  const foreign = ["minLength", "maxLength", "minItems", "maxItems", ...(type === "string" ? [] : ["pattern"])].filter(
    (word) => !lengths.some((one) => one === word),
  );
  noteValues(Object.fromEntries(foreign.map((word) => [word, options[word]])), { path: field, notes });
  return checks.map((check) => ({ check, at }));
}

/** Whole numbers as ODCS calls them, after Rust, with what holds them. Others have no Avro type. */
export const wholeFormats: Readonly<Record<string, { readonly type: "int" | "long"; readonly min?: number; readonly max?: number }>> = {
  i8: { type: "int", min: -128, max: 127 },
  i16: { type: "int", min: -32_768, max: 32_767 },
  i32: { type: "int" },
  i64: { type: "long" },
  u8: { type: "int", min: 0, max: 255 },
  u16: { type: "int", min: 0, max: 65_535 },
  u32: { type: "long", min: 0, max: 4_294_967_295 },
};

/** The bounds of a range, in the form that records of the type have. In ODCS 3.0 the exclusive ones are flags that say how the others are meant. */
function readBounds(options: Json, type: unknown): RangeBounds {
  const logical = isObject(type) ? String(type["logicalType"]) : "";
  const bounds: Draft = {};
  for (const [closed, open] of [["min", "above"] as const, ["max", "below"] as const]) {
    const [value, exclusive] = [options[boundWords[closed]] ?? undefined, options[boundWords[open]] ?? undefined];
    const isFlag = exclusive === false || (exclusive === true && value !== undefined);
    if (value !== undefined) bounds[exclusive === true ? open : closed] = toBound(value, { logical, options });
    if (exclusive !== undefined && !isFlag) bounds[open] = toBound(exclusive, { logical, options });
  }
  const whole = type === "int" || type === "long" ? wholeFormats[String(options["format"])] : undefined;
  if (whole?.min === undefined || whole.max === undefined) return bounds;
  const { min = whole.min, max = whole.max } = bounds;
  return {
    ...bounds,
    min: typeof min === "number" ? Math.max(min, whole.min) : min,
    max: typeof max === "number" ? Math.min(max, whole.max) : max,
  } as RangeBounds;
}

/** Times are written with a space in files, and in UTC where nothing else is said, as the standard has it. Those of other zones are not looked up. */
function toBound(value: unknown, { logical, options }: { readonly logical: string; readonly options: Json }): unknown {
  const [, day, time, zone] = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|[+-]\d\d:\d\d)?$/.exec(String(value)) ?? [];
  if (day === undefined || !logical.includes("timestamp")) return value;
  if (logical.startsWith("local-")) return zone === undefined ? `${day}T${time}` : value;
  const utc = [undefined, "Etc/UTC", "UTC"].some((name) => name === options["defaultTimezone"]);
  return zone !== undefined || utc ? `${day}T${time}${zone ?? "Z"}` : value;
}

const ruleRead = ["id", "name", "type", "metric", "arguments", "mustBe", "unit"];

function readRule(rule: Json, { path, at, type, notes }: Place): readonly SaidCheck[] {
  if (rule["name"] === symbolsRule && isObject(type) && type["type"] === "enum") return [];
  const checks = checksOf(rule, path);
  // What ODCS 3.1 calls a metric was a rule in 3.0.
  const name = shown(rule["metric"] ?? rule["rule"] ?? rule["name"] ?? rule["type"] ?? "");
  if (checks.length === 0) notes.push({ path, message: `The quality rule ${name} has no form as a check.` });
  else noteWords(rule, { path, notes, known: ruleRead, inside: `the rule ${name}` });
  return checks.map((check) => ({ check, at }));
}

function checksOf(rule: Json, field: string): readonly Check[] {
  const { metric, mustBe, unit } = rule;
  if (mustBe !== 0 || unit === "percent") return [];
  if (metric === "nullValues") return [{ kind: "notNull", field }];
  if (metric === "duplicateValues") return [{ kind: "unique", field }];
  if (metric !== "invalidValues" || !isObject(rule["arguments"])) return [];
  const { validValues, pattern } = rule["arguments"];
  return [
    ...(Array.isArray(validValues) ? [{ kind: "oneOf", field, values: validValues as (string | number)[] } as const] : []),
    ...(typeof pattern === "string" ? [{ kind: "matches", field, pattern } as const] : []),
  ];
}
