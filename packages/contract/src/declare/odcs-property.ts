import type { Issue } from "../avro/schema.ts";
import { isObject, shown, type IssueList } from "../issue-list.ts";
import { readChecks, rulesOf, wholeFormats, type SaidCheck } from "./odcs-checks.ts";
import { customOf, noteCustoms, noteValues, noteWords } from "./odcs-unread.ts";
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
  readonly issues: IssueList;
}

/** Words that are read, or that say nothing more than the rest. */
const read = (
  "name logicalType physicalType logicalTypeOptions required unique primaryKey primaryKeyPosition partitioned partitionKeyPosition " +
  "description classification tags quality properties items customProperties id"
).split(" ");
const itemRead = read.filter((word) => !["description", "primaryKey", "partitioned"].includes(word));
const optionsRead = [...Object.values(boundWords), "minLength", "maxLength", "minItems", "maxItems", "pattern"];
const logicalTypes = ["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"];

/** Formats that are read, or say what a type is written like anyway. */
const formatsRead: ReadonlyMap<string, RegExp> = new Map([
  ["integer", /^[iu](?:8|16|32|64|128)$/],
  ["number", /^f(?:32|64)$/],
  ["string", /^(?:uuid|binary|byte)$/],
  ["date", /^yyyy-MM-dd$/],
  ["time", /^HH:mm:ss$/],
  ["timestamp", /^date-time$/],
]);

/** Reads a property of an ODCS 3 file. What has no place in a contract is noted. */
export function readProperty(json: Json, place: Place): ReadProperty {
  const custom = customOf(json, "mainstem.avro");
  // Where the whole type is said beside it, the words need not be enough.
  const inner = readType(json, custom === undefined ? place : { ...place, notes: [] });
  const nullable = json["required"] !== true && json["primaryKey"] !== true;
  const { description } = json;
  const nested = /[.[]/.test(place.path);
  noteUnread(json, { ...place, words: nested ? read.filter((word) => word !== "primaryKey" && word !== "partitioned") : read, customs: ["avro"] });
  const checks = keepChecks(readChecks(json, { ...place, type: inner.type }), place);
  // A default that the property's own rule refuses is none.
  const fallback = nullable && !checks.some(({ check }) => check.kind === "notNull") ? { default: null } : {};
  const field = {
    name: String(json["name"]),
    type: nullable ? ["null", inner.type] : inner.type,
    ...(typeof description === "string" ? { doc: description } : {}),
    ...fallback,
    ...(readMarks(json, place) || inner.pii ? { pii: true } : {}),
  };
  const known = isObject(custom) ? (custom as Json & { readonly name: string }) : field;
  return { field: known, checks: [...checks, ...inner.checks] };
}

/** Of what an array holds there are no checks. */
function keepChecks(checks: readonly SaidCheck[], { path, notes }: Place): readonly SaidCheck[] {
  if (!path.includes("[]") || checks.length === 0) return checks;
  notes.push({ path, message: `Checks of what an array holds are not carried over: ${checks.map(({ check }) => check.kind).join(", ")}.` });
  return [];
}

const personal = /^(?:pii|personal)$/i;

/** Whether a property is marked as personal data. Other classes and tags are noted. */
function readMarks({ classification, tags }: Json, { path, notes }: Place): boolean {
  const isMark = (word: unknown): boolean => typeof word === "string" && personal.test(word);
  const words: readonly unknown[] = Array.isArray(tags) ? tags : [tags];
  const others = words.filter((tag) => !isMark(tag) && tag !== undefined && tag !== null);
  const known = isMark(classification) || (typeof classification === "string" && classification.toLowerCase() === "public");
  if (!known && classification !== undefined && classification !== null)
    notes.push({ path, message: `The classification ${shown(classification)} is not carried over; mark personal data with the classification "pii".` });
  noteValues({ tags: others }, { path, notes });
  return isMark(classification) || words.some(isMark);
}

/** Notes what is not read: words, custom properties, and options whose values say something that the type and the checks do not. */
function noteUnread(json: Json, { words, customs, ...place }: Place & { readonly words: readonly string[]; readonly customs: readonly string[] }): void {
  noteWords(json, { ...place, known: words });
  noteCustoms(json, { ...place, known: customs });
  const logical = typeof json["logicalType"] === "string" ? json["logicalType"].trim().toLowerCase() : "timestamp";
  const { format, timezone, defaultTimezone, ...others } = isObject(json["logicalTypeOptions"]) ? json["logicalTypeOptions"] : ({} as Json);
  noteValues(
    {
      ...(formatsRead.get(logical)?.test(String(format)) === true ? {} : { format }),
      ...(logical === "timestamp" || logical === "date" || timezone === false ? {} : { timezone }),
      ...(defaultTimezone === "Etc/UTC" || defaultTimezone === "UTC" ? {} : { defaultTimezone }),
      ...Object.fromEntries(Object.entries(others).filter(([word]) => !optionsRead.includes(word))),
    },
    place,
  );
}

interface ReadType {
  readonly type: unknown;
  /** Whether what an array holds is marked as personal data. */
  readonly pii: boolean;
  /** Of fields within. */
  readonly checks: readonly SaidCheck[];
}

function readType(json: Json, place: Place): ReadType {
  const logical = readLogicalType(json, place);
  if (logical !== "array" && json["items"] !== undefined) place.notes.push({ path: place.path, message: "Not carried over: items, which are for an array." });
  if (logical !== "object" && Array.isArray(json["properties"]))
    place.notes.push({ path: place.path, message: "Not carried over: properties, which are for an object." });
  if (logical === "array") {
    const items = readItems(json, place);
    return { ...items, type: { type: "array", items: items.type } };
  }
  if (logical === "object") return { ...readObject(json, place), pii: false };
  const physical = typeof json["physicalType"] === "string" ? json["physicalType"].trim().toLowerCase() : "";
  return { type: leafOf({ ...json, logicalType: logical }, physical, place), pii: false, checks: [] };
}

/** In any case of letters. What is no type is refused: a guess would be a column of another type. */
function readLogicalType(json: Json, { at, issues }: Place): string | undefined {
  const logical = json["logicalType"] ?? undefined;
  const known = logicalTypes.find((one) => typeof logical === "string" && one === logical.trim().toLowerCase());
  if (known !== undefined) return known;
  if (logical !== undefined) issues.invalid(`${at}.logicalType`, `There is no logicalType ${shown(logical)}; there are ${logicalTypes.join(" ")}.`);
  return Array.isArray(json["properties"]) ? "object" : isObject(json["items"]) ? "array" : undefined;
}

function readItems(json: Json, { path, at, ...place }: Place): ReadType {
  if (!isObject(json["items"])) {
    place.notes.push({ path, message: "An array without items became one of texts." });
    return { type: "string", pii: false, checks: [] };
  }
  const { items } = json;
  const own = { ...place, path: `${path}[]`, at: `${at}.items` };
  const inner = readType(items, own);
  noteUnread(items, { ...own, words: itemRead, customs: [] });
  keepChecks(readChecks(items, { ...own, type: inner.type }), own);
  // ODCS leaves it open whether items may be null; in a list nobody expects it.
  const pii = readMarks(items, own) || inner.pii;
  return { ...inner, pii, type: items["required"] === false ? ["null", inner.type] : inner.type };
}

function readObject(json: Json, place: Place): Omit<ReadType, "pii"> {
  const list = Array.isArray(json["properties"]) ? json["properties"].filter(isObject) : [];
  if (list.length === 0 && json["physicalType"] !== "map")
    place.notes.push({ path: place.path, message: "An object without properties became a map of texts." });
  if (list.length === 0) return { type: { type: "map", values: "string" }, checks: [] };
  const fields = list.map((property, index) =>
    readProperty(property, { ...place, path: `${place.path}.${String(property["name"])}`, at: `${place.at}.properties[${index}]` }),
  );
  return { type: { type: "record", name: nameOf(place), fields: fields.map(({ field }) => field) }, checks: fields.flatMap(({ checks }) => checks) };
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
  if (logical === "integer" && name !== "decimal" && /^(?:u64|[iu]128)$/.test(String(options["format"])))
    place.issues.unsupported(
      `${place.at}.logicalTypeOptions.format`,
      `Whole numbers of ${String(options["format"])} have no Avro type; say format: i64, or physicalType: decimal(20, 0).`,
    );
  if (fits && !(name === "date" && hours)) {
    const { timezone } = options;
    if (name.includes("timestamp") && typeof timezone === "boolean" && timezone !== name.startsWith("timestamp"))
      place.notes.push({ path: place.path, message: `Its physicalType counts, not timezone: ${timezone}.` });
    return type;
  }
  if (logical === undefined && ambiguousTimes.test(bare)) return timestampOf(options, place);
  notePhysical(bare, { ...place, logical, maxLength: options["maxLength"] });
  if (logical !== "date" || !(ambiguousTimes.test(bare) || hours)) return leafOfLogical(json, place);
  place.notes.push({ path: place.path, message: "A date with a time of day became a timestamp." });
  return timestampOf(options, place);
}

/** Notes a physical type that says something else than the logical one, or more. */
function notePhysical(physical: string, { path, notes, logical, maxLength }: Place & { readonly logical: unknown; readonly maxLength: unknown }): void {
  const [text, length] = /^(?:string|n?text|n?clob|n?(?:var)?char2?|character(?: varying)?)(?: ?\((?:(\d+)(?: \w+)?|max)\))?$/.exec(physical) ?? [];
  const isText = text !== undefined && (logical === "string" || logical === undefined);
  const isTime = ambiguousTimes.test(physical) && (logical === "timestamp" || logical === "date");
  const isNumber = /^(?:number|numeric|decimal)$/.test(physical) && (logical === "number" || logical === "integer");
  if (physical === "" || isTime || isNumber || (isText && length === undefined)) return;
  if (!isText) notes.push({ path, message: `The physicalType ${shown(physical)} is not carried over.` });
  else if (maxLength === undefined)
    notes.push({ path, message: `The length of ${physical} is not carried over; to have it checked say logicalTypeOptions: { maxLength: ${length} }.` });
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
      return wholeFormats[String(format)]?.type ?? "long";
    case "number":
      if (format === "f32") return "float";
      if (format !== "f64")
        place.notes.push({
          path: place.path,
          message: "A number without digits became a double; for exact values say physicalType: decimal(precision, scale).",
        });
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
