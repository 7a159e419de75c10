import type { Issue } from "../avro/schema.ts";
import { isObject } from "../issue-list.ts";
import { readChecks, rulesOf, type SaidCheck } from "./odcs-checks.ts";
import { boundWords, symbolsRule, type Json } from "./odcs-words.ts";

/** What is read of an ODCS property: an Avro field as JSON, and the checks that its words say. */
export interface ReadProperty {
  readonly field: Json & { readonly name: string };
  readonly checks: readonly SaidCheck[];
}

export interface Place {
  /** Of the property, in the file: `schema[0].properties[2]`. */
  readonly at: string;
  /** Of the field: `address.zip`. */
  readonly path: string;
  /** The dataset's name without its namespace: nested types are named after it. */
  readonly short: string;
  readonly notes: Issue[];
}

/** Words that are read, or that say nothing more than the rest. */
const read: ReadonlySet<string> = new Set(
  (
    "name logicalType physicalType logicalTypeOptions required unique primaryKey primaryKeyPosition partitioned partitionKeyPosition " +
    "description classification tags quality properties items customProperties id"
  ).split(" "),
);
const optionsRead: ReadonlySet<string> = new Set([
  ...Object.values(boundWords),
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "pattern",
  "format",
  "timezone",
]);

/** Reads a property of an ODCS 3 file. What has no place in a contract is noted. */
export function readProperty(json: Json, place: Place): ReadProperty {
  const custom = customOf(json, "mainstem.avro");
  // Where the whole type is said beside it, the words need not be enough.
  const inner = readType(json, custom === undefined ? place : { ...place, notes: [] });
  const nullable = json["required"] !== true && json["primaryKey"] !== true;
  const { description } = json;
  noteUnread(json, place);
  const checks = readChecks(json, { ...place, type: inner.type });
  // A default that the property's own rule refuses is none.
  const fallback = nullable && !checks.some(({ check }) => check.kind === "notNull") ? { default: null } : {};
  const field = {
    name: String(json["name"]),
    type: nullable ? ["null", inner.type] : inner.type,
    ...(typeof description === "string" ? { doc: description } : {}),
    ...fallback,
    ...(isPersonal(json) ? { pii: true } : {}),
  };
  const known = isObject(custom) ? (custom as Json & { readonly name: string }) : field;
  return { field: known, checks: [...checks, ...inner.checks] };
}

/** The value of a custom property; undefined where there is none. */
export function customOf(holder: Json, property: string): unknown {
  const list = holder["customProperties"];
  return Array.isArray(list) ? list.filter(isObject).find((one) => one["property"] === property)?.["value"] : undefined;
}

function isPersonal({ classification, tags }: Json): boolean {
  const words = [classification, ...(Array.isArray(tags) ? tags : [])];
  return words.some((word) => typeof word === "string" && /^(?:pii|personal)$/i.test(word));
}

function noteUnread(json: Json, { path, notes }: Place): void {
  const { classification } = json;
  if (typeof classification === "string" && !isPersonal(json) && classification.toLowerCase() !== "public")
    notes.push({
      path,
      message: `The classification ${JSON.stringify(classification)} is not carried over; mark personal data with the classification "pii".`,
    });
  const words = Object.keys(json).filter((word) => !read.has(word) && !isNothing(json[word]));
  if (words.length > 0) notes.push({ path, message: `Not carried over: ${words.join(", ")}.` });
  const options = isObject(json["logicalTypeOptions"]) ? Object.keys(json["logicalTypeOptions"]).filter((word) => !optionsRead.has(word)) : [];
  if (options.length > 0) notes.push({ path, message: `Options that are not carried over: ${options.join(", ")}.` });
}

function isNothing(value: unknown): boolean {
  return value === null || value === false || value === undefined || (Array.isArray(value) && value.length === 0);
}

interface ReadType {
  readonly type: unknown;
  /** Of fields within. */
  readonly checks: readonly SaidCheck[];
}

function readType(json: Json, place: Place): ReadType {
  const logical = json["logicalType"];
  const physical = typeof json["physicalType"] === "string" ? json["physicalType"].trim().toLowerCase() : "";
  if (logical === "array") {
    const items = isObject(json["items"]) ? json["items"] : { logicalType: "string" };
    const inner = readType(items, { ...place, path: `${place.path}[]`, at: `${place.at}.items` });
    // ODCS leaves it open whether items may be null; in a list nobody expects it.
    return { type: { type: "array", items: items["required"] === false ? ["null", inner.type] : inner.type }, checks: [] };
  }
  if (logical === "object") return readObject(json, place);
  return { type: leafOf(json, physical, place), checks: [] };
}

function readObject(json: Json, place: Place): ReadType {
  const list = Array.isArray(json["properties"]) ? json["properties"].filter(isObject) : [];
  if (list.length === 0 && json["physicalType"] !== "map")
    place.notes.push({ path: place.path, message: "An object without properties became a map of texts." });
  if (list.length === 0) return { type: { type: "map", values: "string" }, checks: [] };
  const fields = list.map((property, index) =>
    readProperty(property, { ...place, path: `${place.path}.${String(property["name"])}`, at: `${place.at}.properties[${index}]` }),
  );
  const checks = place.path.includes("[]") ? [] : fields.flatMap((one) => one.checks);
  return { type: { type: "record", name: nameOf(place), fields: fields.map(({ field }) => field) }, checks };
}

/** As `dataset()` names nested types. */
function nameOf({ short, path }: Place): string {
  return `${short}_${path.replaceAll("[]", "_item").replaceAll(".", "_")}`;
}

const instant = { type: "long", logicalType: "timestamp-micros" };
const wallClock = { type: "long", logicalType: "local-timestamp-micros" };
/** Names that databases do not agree on: of some it is an instant, of others what a clock on the wall shows. */
const ambiguousTimes = /^(?:timestamp|datetime)$/;

/** What databases call the types, next to Avro's own names. */
const physicalTypes: readonly (readonly [RegExp, (match: RegExpExecArray) => unknown])[] = [
  [/^(?:boolean|int|long|float|double|string|bytes)$/, ([name]) => name],
  [/^uuid$/, () => ({ type: "string", logicalType: "uuid" })],
  [/^date$/, () => ({ type: "int", logicalType: "date" })],
  [/^time-millis$/, () => ({ type: "int", logicalType: "time-millis" })],
  [/^(?:time-micros|(?:local-)?timestamp-(?:millis|micros))$/, ([name]) => ({ type: "long", logicalType: name })],
  [
    /^(?:decimal|numeric|number)\(\s*(\d+)\s*,\s*(\d+)\s*\)$/,
    (match) => ({ type: "bytes", logicalType: "decimal", precision: Number(match[1]), scale: Number(match[2]) }),
  ],
  [/^(?:decimal|numeric|number)\(\s*(\d+)\s*\)$/, (match) => ({ type: "bytes", logicalType: "decimal", precision: Number(match[1]), scale: 0 })],
  [/^(?:bool)$/, () => "boolean"],
  [/^(?:integer|int4|int32|smallint|int2|tinyint)$/, () => "int"],
  [/^(?:bigint|int8|int64)$/, () => "long"],
  [/^(?:real|float4|float32)$/, () => "float"],
  [/^(?:double precision|float8|float64)$/, () => "double"],
  [/^(?:binary|varbinary|bytea|blob)(?:\(\d+\))?$/, () => "bytes"],
  [/^time(?: without time zone)?$/, () => ({ type: "long", logicalType: "time-micros" })],
  [/^(?:timestamptz|timestamp_l?tz|timestamp with (?:local )?time zone|datetimeoffset)$/, () => instant],
  [/^(?:timestamp_ntz|timestamp without time zone)$/, () => wallClock],
];
/** Which logical types of ODCS an Avro type may stand for; others are noted, and the logical type counts. */
const logicalOf: Readonly<Record<string, readonly string[]>> = {
  boolean: ["boolean"],
  int: ["integer", "number"],
  long: ["integer", "number"],
  float: ["number"],
  double: ["number"],
  string: ["string"],
  bytes: ["string"],
  uuid: ["string"],
  decimal: ["number", "integer"],
  date: ["date"],
  "time-millis": ["time"],
  "time-micros": ["time"],
};

function leafOf(json: Json, physical: string, place: Place): unknown {
  const logical = json["logicalType"];
  if (physical === "enum" && (logical === undefined || logical === "string")) {
    const symbols = rulesOf(json).find(({ name }) => name === symbolsRule)?.["arguments"];
    if (isObject(symbols)) return { type: "enum", name: nameOf(place), symbols: symbols["validValues"] };
  }
  // How many digits a second has is said in between: timestamp(6) without time zone.
  const [, head = physical, digits, tail = ""] = /^((?:date)?time\w*) ?\((\d+)\)(.*)$/.exec(physical) ?? [];
  const bare = head + tail;
  if (Number(digits ?? 0) > 6) place.notes.push({ path: place.path, message: `Of the ${digits} digits of its seconds there are 6 left.` });
  const options = isObject(json["logicalTypeOptions"]) ? json["logicalTypeOptions"] : {};
  const type = physicalOf(bare);
  const name = isObject(type) ? String(type["logicalType"]) : String(type);
  const fits = type !== undefined && (logical === undefined || (logicalOf[name] ?? ["timestamp", "date"]).some((one) => one === logical));
  const hours = hasHours(options["format"]);
  if (fits && !(name === "date" && hours)) {
    const { timezone } = options;
    if (name.includes("timestamp") && typeof timezone === "boolean" && timezone !== name.startsWith("timestamp"))
      place.notes.push({ path: place.path, message: `Its physicalType counts, not timezone: ${timezone}.` });
    return type;
  }
  if (logical === undefined && ambiguousTimes.test(bare)) return timestampOf(options, place);
  if (logical !== "date" || !(ambiguousTimes.test(bare) || hours)) return leafOfLogical(json, place);
  place.notes.push({ path: place.path, message: "A date with a time of day became a timestamp." });
  return timestampOf(options, place);
}

function physicalOf(name: string): unknown {
  for (const [pattern, toType] of physicalTypes) {
    const match = pattern.exec(name);
    if (match !== null) return toType(match);
  }
  return undefined;
}

function hasHours(format: unknown): boolean {
  return typeof format === "string" && (format === "date-time" || /[HhKk]/.test(format.replaceAll(/'[^']*'/g, "")));
}

/** What has no zone is never guessed to be an instant without saying so: the standard's default is UTC. */
function timestampOf({ timezone, defaultTimezone, format }: Json, { path, notes }: Place): unknown {
  if (timezone === false) return wallClock;
  const zoned = timezone === true || defaultTimezone !== undefined || (typeof format === "string" && /[OVXxZz]/.test(format));
  if (!zoned)
    notes.push({
      path,
      message:
        "Nothing says whether its times have a zone: they became instants. For what a clock on the wall shows say logicalTypeOptions: { timezone: false }.",
    });
  return instant;
}

function leafOfLogical(json: Json, place: Place): unknown {
  const options = isObject(json["logicalTypeOptions"]) ? json["logicalTypeOptions"] : {};
  const { format } = options;
  switch (json["logicalType"]) {
    case "boolean":
      return "boolean";
    case "integer":
      return typeof format === "string" && /^(?:i8|i16|i32|u8|u16)$/.test(format) ? "int" : "long";
    case "number":
      place.notes.push({ path: place.path, message: "A number without digits became a double; for exact values say physicalType: decimal(precision, scale)." });
      return "double";
    case "date":
      return { type: "int", logicalType: "date" };
    case "time":
      return { type: "long", logicalType: "time-micros" };
    case "timestamp":
      return timestampOf(options, place);
    case "string":
      if (format === "uuid") return { type: "string", logicalType: "uuid" };
      return format === "binary" || format === "byte" ? "bytes" : "string";
    default:
      place.notes.push({ path: place.path, message: "There is no logicalType: it became a string." });
      return "string";
  }
}
