import type { Issue } from "../avro/schema.ts";
import type { Check, RangeBounds } from "../contract.ts";
import { isObject, shown } from "../issue-list.ts";
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
  const [min, max] = [options["minLength"] ?? options["minItems"], options["maxLength"] ?? options["maxItems"]];
  const { pattern } = options;
  // A uuid, bytes and symbols have lengths of their own.
  const open = type === "string" || (isObject(type) && type["type"] === "array");
  const closed = ["minLength", "maxLength", "pattern"].filter((word) => !open && options[word] !== undefined);
  if (closed.length > 0)
    notes.push({ path: field, message: `Not carried over: ${closed.map((word) => `${word} ${shown(options[word])}`).join(", ")}, which are for texts.` });
  if (open && (min !== undefined || max !== undefined))
    checks.push({ kind: "length", field, ...(min === undefined ? {} : { min: min as number }), ...(max === undefined ? {} : { max: max as number }) });
  if (open && pattern !== undefined) checks.push({ kind: "matches", field, pattern: pattern as string });
  return checks.map((check) => ({ check, at }));
}

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
  return bounds;
}

/** Times are written with a space in files, and in UTC where nothing else is said, as the standard has it. Those of other zones are not looked up. */
function toBound(value: unknown, { logical, options }: { readonly logical: string; readonly options: Json }): unknown {
  const [, day, time, zone] = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|[+-]\d\d:\d\d)?$/.exec(String(value)) ?? [];
  if (day === undefined || !logical.includes("timestamp")) return value;
  if (logical.startsWith("local-")) return zone === undefined ? `${day}T${time}` : value;
  const utc = [undefined, "Etc/UTC", "UTC"].some((name) => name === options["defaultTimezone"]);
  return zone !== undefined || utc ? `${day}T${time}${zone ?? "Z"}` : value;
}

function readRule(rule: Json, { path: field, at, notes }: Place): readonly SaidCheck[] {
  if (rule["name"] === symbolsRule) return [];
  const check = checkOf(rule, field);
  if (check !== undefined) return [{ check, at }];
  notes.push({ path: field, message: `The quality rule ${shown(rule["metric"] ?? rule["name"] ?? rule["type"] ?? "")} has no form as a check.` });
  return [];
}

function checkOf(rule: Json, field: string): Check | undefined {
  const { metric, mustBe, unit } = rule;
  if (mustBe !== 0 || unit === "percent") return undefined;
  if (metric === "nullValues") return { kind: "notNull", field };
  if (metric === "duplicateValues") return { kind: "unique", field };
  const values = isObject(rule["arguments"]) ? rule["arguments"] : {};
  if (metric !== "invalidValues") return undefined;
  if (Array.isArray(values["validValues"])) return { kind: "oneOf", field, values: values["validValues"] as (string | number)[] };
  return typeof values["pattern"] === "string" ? { kind: "matches", field, pattern: values["pattern"] } : undefined;
}
