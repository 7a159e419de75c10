import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { issuesSentence, type Issue } from "../avro/schema.ts";
import { parseContract } from "../contract-parser.ts";
import { isDatasetName } from "../dataset-name.ts";
import { ContractError } from "../errors.ts";
import { isObject, IssueList } from "../issue-list.ts";
import type { SaidCheck } from "./odcs-checks.ts";
import { readProperty } from "./odcs-property.ts";
import { customOf, noteCustoms, noteValues, noteWords } from "./odcs-unread.ts";
import { boundWords, toProperty, type Json } from "./odcs-words.ts";

/** One dataset of an ODCS file. */
export interface OdcsDataset {
  /** The JSON form, for `parseContract`. It lacks `order` where the file does not say it. */
  readonly contract: Json;
  /** What a contract has no place for, or what was guessed: for the person who imports it. */
  readonly notes: readonly Issue[];
}

export interface FromOdcsOptions {
  /** Of the datasets, where the file names none (`domain` is taken then). */
  readonly namespace?: string;
}

/** Parts of the file that contracts have no place for. */
const documentRead = [
  "apiVersion",
  "kind",
  "id",
  "name",
  "version",
  "status",
  "domain",
  "schema",
  "team",
  "slaProperties",
  "description",
  "contractCreatedTs",
  "tags",
  "customProperties",
];
const schemaRead = ["name", "physicalName", "physicalType", "logicalType", "description", "properties", "customProperties", "quality", "id", "tags"];
/** Clauses of the JSON form that ODCS has no word for. */
const clauses = ["order", "merge", "deletes", "immutable", "compatibility", "sort", "subject", "retention", "maxAhead", "predecessor", "removed"] as const;
const customsRead = [...clauses, "partition", "checks", "doc", "attributes"];
const units: Readonly<Record<string, readonly string[]>> = {
  d: ["d", "day", "days"],
  h: ["h", "hr", "hour", "hours"],
  m: ["m", "min", "minute", "minutes"],
  s: ["s", "sec", "second", "seconds"],
  ms: ["ms", "millisecond", "milliseconds"],
};

/**
 * Reads an Open Data Contract Standard file, version 3, that was parsed from YAML or JSON: one dataset for each object of its schema.
 * Throws `contract.invalid` for what is no such file, contradicts itself, or says a check that its field does not take, with every fault in
 * `facts.issues`.
 */
export function fromOdcs(json: unknown, options: FromOdcsOptions = {}): readonly OdcsDataset[] {
  const issues = new IssueList();
  const datasets = readDocument(json, { ...options, issues });
  if (issues.list.length > 0) throw new ContractError(issues.code, issuesSentence("The ODCS file cannot be read", issues.list), { issues: issues.list });
  return datasets;
}

/** Whether JSON is an ODCS file, by the words that every one of them must have. */
export function isOdcs(json: unknown): boolean {
  return isObject(json) && json["kind"] === "DataContract" && "apiVersion" in json;
}

interface Reading {
  readonly namespace?: string;
  readonly issues: IssueList;
}

function readDocument(json: unknown, reading: Reading): readonly OdcsDataset[] {
  const { issues } = reading;
  if (!isOdcs(json) || !isObject(json)) {
    issues.invalid("", "An ODCS file is an object with apiVersion and kind: DataContract.");
    return [];
  }
  const version = json["apiVersion"];
  if (typeof version !== "string" || !/^v3\.\d/.test(version)) issues.unsupported("apiVersion", "Files of ODCS v3 are read; write apiVersion: v3.1.0.");
  const objects = Array.isArray(json["schema"]) ? json["schema"] : [];
  if (objects.length === 0 || !objects.every(isObject)) {
    issues.invalid("schema", "The schema must be an array with an object for each dataset.");
    return [];
  }
  const notes: Issue[] = [];
  noteWords(json, { path: "", notes, known: documentRead });
  noteCustoms(json, { at: "", path: "", notes, issues, known: [] });
  return objects.map((object, index) => readObject(object, { ...reading, document: json, path: `schema[${index}]`, notes: [...notes] }));
}

interface Place extends Reading {
  readonly document: Json;
  readonly path: string;
  readonly notes: Issue[];
}

function readObject(object: Json, place: Place): OdcsDataset {
  const { issues, path, notes } = place;
  const name = readName(object, place);
  const short = name.slice(name.indexOf(".") + 1);
  const list = Array.isArray(object["properties"]) ? object["properties"] : [];
  if (list.length === 0 || !list.every((one) => isObject(one) && typeof one["name"] === "string"))
    issues.invalid(`${path}.properties`, "An object needs properties, each with a name.");
  const properties = list.filter(isObject);
  const read = properties.map((property, index) =>
    readProperty(property, { at: `${path}.properties[${index}]`, path: String(property["name"]), short, notes, issues }),
  );
  const doc = customOf(object, "mainstem.doc");
  const attributes = customOf(object, "mainstem.attributes");
  const schema = {
    type: "record",
    name: short,
    namespace: name.slice(0, name.indexOf(".")),
    ...(doc === undefined ? {} : { doc }),
    fields: read.map(({ field }) => field),
    ...(isObject(attributes) ? attributes : {}),
  };
  checkWords(schema, properties, place);
  const { document } = place;
  const purpose = isObject(document["description"]) ? document["description"]["purpose"] : undefined;
  const description = object["description"] ?? purpose;
  const owner = ownerOf(document["team"]);
  noteUnread(object, { ...place, name, owner });
  const said = Object.fromEntries(clauses.map((word) => [word, customOf(object, `mainstem.${word}`)] as const).filter(([, value]) => value !== undefined));
  if (customOf(object, "mainstem.order") === undefined)
    notes.push({
      path: "order",
      message: "ODCS does not say which of two records with one key is the later: add order, the fields that grow with every change.",
    });
  const ownChecks = [...read.flatMap(({ checks }) => checks), ...readFreshness(object, place)];
  const checks = orderChecks(customOf(object, "mainstem.checks"), { said: ownChecks, at: `${path}.mainstem.checks` });
  const contract = {
    formatVersion: 1,
    name,
    ...said,
    ...(typeof description === "string" ? { description } : {}),
    ...(owner === undefined ? {} : { owner }),
    schema,
    key: keyOf(properties),
    partition: readPartition(object, properties),
    checks: checks.map(({ check }) => check),
    ...tagsOf(document, object),
  };
  refuseChecks(contract, { checks, issues });
  return { contract, notes };
}

/** Names the checks that are wrong where the file says them: of the contract that is made of it nobody has seen the places. */
function refuseChecks(contract: Json, { checks, issues }: { readonly checks: readonly Placed[]; readonly issues: IssueList }): void {
  const inFile = (text: string): string =>
    text.replaceAll(/checks\[(\d+)\](?:\.(\w+))?/g, (whole, index: string, word = "") => {
      const at = checks[Number(index)]?.at ?? whole;
      const option = Object.hasOwn(boundWords, word) ? boundWords[word as keyof typeof boundWords] : word === "pattern" ? word : "";
      return option === "" || !at.endsWith("Options") ? at : `${at}.${option}`;
    });
  try {
    parseContract({ order: "log", ...contract });
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    // What else is wrong is named when the whole is declared.
    for (const { path, message } of error.facts["issues"] as readonly Issue[]) if (path.startsWith("checks[")) issues.invalid(inFile(path), inFile(message));
  }
}

function readName(object: Json, { document, namespace, path, issues, notes }: Place): string {
  const physical = object["physicalName"];
  if (typeof physical === "string" && isDatasetName(physical)) return physical;
  const own = typeof object["name"] === "string" ? object["name"] : "";
  const [domain, short] = [namespace ?? document["domain"], own].map((text) => (typeof text === "string" ? text.replaceAll(/\W+/g, "_") : ""));
  const name = `${domain}.${short}`;
  if (!isDatasetName(name)) issues.invalid(path, "The dataset's name is not said: give physicalName as namespace.name, or domain and the object's name.");
  else if (short !== own) notes.push({ path: "name", message: `The dataset is named ${name}, after ${JSON.stringify(own)}.` });
  return name;
}

/** Who changed the words of a property must change, or leave out, the type beside them. */
function checkWords(schema: Json, properties: readonly Json[], { path, issues }: Place): void {
  if (!properties.some((property) => customOf(property, "mainstem.avro") !== undefined)) return;
  let parsed;
  try {
    parsed = parseAvroRecordSchema(schema);
  } catch (error) {
    // parseContract names what is wrong with the schema, at its place.
    if (error instanceof ContractError) return;
    throw error;
  }
  for (const [index, property] of properties.entries()) {
    const field = parsed.fields[index];
    if (field === undefined || customOf(property, "mainstem.avro") === undefined) continue;
    const words = toProperty(field);
    const wrong = Object.keys(words).filter((word) => !agrees(words[word], property[word]));
    const place = `${path}.properties[${index}]`;
    if (wrong.length > 0)
      issues.invalid(place, `${wrong.join(" and ")} of ${field.name} say something else than its mainstem.avro: mend one of them, or leave mainstem.avro out.`);
  }
}

function agrees(ours: unknown, theirs: unknown): boolean {
  if (Array.isArray(ours)) return Array.isArray(theirs) && ours.every((one) => theirs.some((other) => agrees(one, other)));
  if (isObject(ours)) return isObject(theirs) && Object.keys(ours).every((key) => agrees(ours[key], theirs[key]));
  return ours === theirs;
}

function noteUnread(object: Json, { document, path, notes, issues, name, owner }: Place & { readonly name: string; readonly owner: string | undefined }): void {
  noteWords(object, { path: "schema", notes, known: schemaRead });
  noteCustoms(object, { at: path, path: "schema", notes, issues, known: customsRead });
  const { physicalName } = object;
  if (physicalName !== name && physicalName !== object["name"]) noteValues({ physicalName }, { path: "name", notes });
  const rules = Array.isArray(object["quality"]) ? object["quality"].length : 0;
  if (rules > 0) notes.push({ path: "checks", message: `${rules} quality rules of the whole object have no form as a check.` });
  const { description, team } = document;
  if (isObject(description))
    noteWords(description, { path: "description", notes, known: object["description"] === undefined ? ["purpose"] : [], inside: "the description" });
  else noteValues({ description }, { path: "description", notes });
  if (isObject(team)) noteWords(team, { path: "owner", notes, known: ["id", "name", "members"], inside: "the team" });
  const others = membersOf(team).filter(({ username }) => username !== owner);
  if (others.length > 0) notes.push({ path: "owner", message: `${others.length} members of the team are not carried over.` });
}

function keyOf(properties: readonly Json[]): readonly unknown[] {
  return positioned(properties, { flag: "primaryKey", position: "primaryKeyPosition" });
}

function positioned(properties: readonly Json[], { flag, position }: { readonly flag: string; readonly position: string }): readonly unknown[] {
  const rank = (property: Json): number => (typeof property[position] === "number" && property[position] > 0 ? property[position] : Number.MAX_SAFE_INTEGER);
  return properties
    .filter((property) => property[flag] === true)
    .toSorted((a, b) => rank(a) - rank(b))
    .map((property) => property["name"]);
}

/** ODCS names the fields, Mainstem's own property how their values are grouped. */
function readPartition(object: Json, properties: readonly Json[]): readonly unknown[] {
  const fields = positioned(properties, { flag: "partitioned", position: "partitionKeyPosition" });
  const custom = customOf(object, "mainstem.partition");
  const own = Array.isArray(custom) ? custom.filter((one) => isObject(one) && fields.includes(one["field"])) : [];
  return [...own, ...fields.filter((field) => !own.some((one) => (one as Json)["field"] === field)).map((field) => ({ field, transform: "identity" }))];
}

/** Those of the file and of the object. */
function tagsOf(document: Json, object: Json): Json {
  const tags = [document["tags"], object["tags"]].flat().filter((tag) => typeof tag === "string" && tag.trim() !== "");
  return tags.length === 0 ? {} : { tags: tags.map((tag) => (tag as string).trim()) };
}

/** The team's name, or who owns it. */
function ownerOf(team: unknown): string | undefined {
  if (isObject(team) && typeof team["name"] === "string") return team["name"];
  const member = membersOf(team).find(({ role }) => typeof role === "string" && role.toLowerCase() === "owner");
  return typeof member?.["username"] === "string" ? member["username"] : undefined;
}

function membersOf(team: unknown): readonly Json[] {
  const list: unknown = isObject(team) ? team["members"] : team;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function readFreshness(object: Json, { document, notes }: Place): readonly SaidCheck[] {
  const list = Array.isArray(document["slaProperties"]) ? document["slaProperties"] : [];
  const objects = (document["schema"] as readonly Json[]).filter((one) => one !== object);
  const others = objects.flatMap(({ name, physicalName }) => [name, physicalName]);
  const checks: SaidCheck[] = [];
  for (const [index, sla] of list.entries()) {
    if (!isObject(sla)) continue;
    const { property, value, unit, element } = sla;
    const isOf = (name: unknown): boolean => typeof element === "string" && typeof name === "string" && `${element}.`.startsWith(`${name}.`);
    if (others.some(isOf)) continue;
    const own = element === undefined || [object["name"], object["physicalName"]].some(isOf);
    const known = typeof property === "string" && /^(?:latency|ly|freshness)$/i.test(property);
    const suffix = typeof unit === "string" ? Object.keys(units).find((one) => units[one]?.includes(unit.toLowerCase())) : undefined;
    const count = Number(value);
    if (own && known && suffix !== undefined && Number.isSafeInteger(count) && count > 0) {
      checks.push({ check: { kind: "freshness", within: `${count}${suffix}` }, at: `slaProperties[${index}]` });
      noteWords(sla, { path: "slaProperties", notes, known: ["id", "property", "value", "unit", "element"], inside: `the ${property}` });
    } else notes.push({ path: "slaProperties", message: `The ${String(property)} is not carried over.` });
  }
  return checks;
}

/** A check as JSON, and where it is said. */
interface Placed {
  readonly check: unknown;
  readonly at: string;
}

/** Puts the checks that the standard's words say where Mainstem's list names them; what the list does not name comes last. */
function orderChecks(entries: unknown, { said, at }: { readonly said: readonly SaidCheck[]; readonly at: string }): readonly Placed[] {
  if (!Array.isArray(entries)) return said;
  const left = [...said];
  const placed = entries.flatMap((entry: unknown, own): readonly Placed[] => {
    if (!isObject(entry) || entry["said"] === undefined) return [{ check: entry, at: `${at}[${own}]` }];
    const index = left.findIndex(({ check }) => check.kind === entry["said"] && ("field" in check ? check.field : undefined) === entry["field"]);
    return index < 0 ? [] : left.splice(index, 1);
  });
  return [...placed, ...left];
}
