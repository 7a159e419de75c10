import type { AvroRecordSchema } from "./avro/schema.ts";
import { issuesSentence } from "./avro/schema.ts";
import { SchemaParser } from "./avro/schema-parser.ts";
import { parseChecks } from "./check-rules.ts";
import { refuseLostDeletes } from "./check-conflicts.ts";
import { checkClauses, type FieldClauses } from "./clause-conflicts.ts";
import { readDeletes, readMaxAhead, readMerge, readPredecessor, readRetention, readSort, readSubject, readTags } from "./clause-rules.ts";
import type { Compatibility, Contract, PartitionField } from "./contract.ts";
import { compatibilities, transforms } from "./contract.ts";
import { checkDefaults } from "./default-rules.ts";
import { isObject, IssueList } from "./issue-list.ts";
import { keyFault, noField, orderFault, partitionFault } from "./field-rules.ts";
import { isDatasetName, isReservedName, nameLengthMax } from "./dataset-name.ts";
import { readRemoved } from "./removed-fields.ts";
import { checkContractSchema } from "./schema-rules.ts";
import { ContractError } from "./errors.ts";

type Json = Readonly<Record<string, unknown>>;
const textLengthMax = 10_000;
const fieldsMax = { key: 16, order: 16, partition: 8 } as const;
const known = (
  "formatVersion name description owner schema key order merge deletes partition immutable sort checks compatibility " +
  "subject tags retention maxAhead predecessor removed"
).split(" ");
/**
 * Checks the JSON form of a contract (docs/formats/contract.md) and fills in its defaults: the only way to a `Contract`.
 * Throws `contract.invalid`, or `contract.unsupported` where everything that is wrong is just not supported yet, with all faults in `facts.issues`.
 */
export function parseContract(json: unknown): Contract {
  const issues = new IssueList();
  const contract = readContract(json, issues);
  if (contract === undefined || issues.list.length > 0) {
    const name = isObject(json) && typeof json["name"] === "string" ? json["name"].slice(0, nameLengthMax) : undefined;
    const opening = name === undefined ? "The contract is not valid" : `The contract of ${name} is not valid`;
    throw new ContractError(issues.code, issuesSentence(opening, issues.list), { dataset: name, issues: issues.list });
  }
  return contract;
}

function readContract(json: unknown, issues: IssueList): Contract | undefined {
  if (!isObject(json)) return issues.invalid("", "A contract must be an object with name, schema, key and order.");
  for (const property of Object.keys(json)) {
    if (!known.includes(property))
      issues.invalid(property, `A contract has no property ${JSON.stringify(property.slice(0, 100))}; it has ${known.join(", ")}.`);
  }
  if (json["formatVersion"] !== undefined && json["formatVersion"] !== 1)
    issues.unsupported("formatVersion", "This version of Mainstem reads contracts of formatVersion 1.");
  const name = readName(json["name"], issues);
  const schema = readSchema(json["schema"], issues);
  const head = {
    formatVersion: 1,
    name,
    ...readText(json, "description", issues),
    ...readText(json, "owner", issues),
    compatibility: readCompatibility(json["compatibility"], issues),
    tags: readTags(json["tags"], issues),
    ...readRetention(json["retention"], issues),
    ...readPredecessor(json["predecessor"], { name, issues }),
  } as const;
  if (json["immutable"] !== undefined && typeof json["immutable"] !== "boolean") issues.invalid("immutable", "immutable must be true or false.");
  if (schema === undefined) return undefined;
  checkContractSchema(schema, { dataset: name, issues });
  // Values can be tried only where the types are right.
  if (issues.list.length === 0) checkDefaults(schema, { path: "schema", issues });
  const parts = readParts(json, schema, issues);
  const removed = readRemoved(json["removed"], { schema, issues });
  const checks = parseChecks(json["checks"], schema, issues);
  if (issues.list.length === 0 && parts.deletes?.values !== undefined) refuseLostDeletes({ deletes: parts.deletes, schema, checks }, issues);
  return { ...head, schema, ...parts, ...removed, checks };
}

/** The clauses that name fields. What two of them say against one another is looked at once each is right in itself. */
function readParts(json: Json, schema: AvroRecordSchema, issues: IssueList): Omit<FieldClauses, "schema"> {
  const merge = readMerge(json["merge"], { schema, issues });
  const none = merge.kind === "none";
  const key = none && isLeftOut(json["key"]) ? [] : readFields(json["key"], { property: "key", schema, issues });
  // Where nothing is merged nothing is compared: the position is all there is.
  const order = json["order"] === "log" || (none && isLeftOut(json["order"])) ? "log" : readFields(json["order"], { property: "order", schema, issues });
  const parts = {
    key,
    order,
    merge,
    partition: readPartition(json["partition"], schema, issues),
    ...readDeletes(json["deletes"], { schema, issues }),
    ...readSort(json["sort"], { schema, issues }),
    ...readSubject(json["subject"], { schema, issues }),
    ...readMaxAhead(json["maxAhead"], issues),
    immutable: json["immutable"] === true,
  } as const;
  if (issues.list.length === 0) checkClauses({ ...parts, schema }, issues);
  return parts;
}

function isLeftOut(json: unknown): boolean {
  return json === undefined || (Array.isArray(json) && json.length === 0);
}

function readName(json: unknown, issues: IssueList): string {
  if (!isDatasetName(json)) {
    issues.invalid(
      "name",
      `The name must be namespace.name, each of letters, digits and _, not starting with a digit, at most ${nameLengthMax} characters in all.`,
    );
    return "";
  }
  if (isReservedName(json)) issues.invalid("name", "Names that start with _mainstem belong to Mainstem itself; choose another namespace.");
  return json;
}

function readSchema(json: unknown, issues: IssueList): AvroRecordSchema | undefined {
  if (json === undefined) return issues.invalid("schema", "A contract needs the Avro schema of its records.");
  const parser = new SchemaParser();
  const schema = parser.parse(json, "schema");
  for (const issue of parser.issues) issues.invalid(issue.path, issue.message);
  if (parser.issues.length > 0) return undefined;
  if ("fields" in schema) return schema;
  return issues.invalid("schema", 'The schema must be a record: { "type": "record", "name": …, "fields": […] }.');
}

function readText(json: Json, property: "description" | "owner", issues: IssueList): { readonly [P in typeof property]?: string } {
  const text = json[property];
  if (text === undefined) return {};
  if (typeof text === "string" && text.length <= textLengthMax) return { [property]: text };
  issues.invalid(property, `The ${property} must be a text of at most ${textLengthMax} characters.`);
  return {};
}

function readCompatibility(json: unknown, issues: IssueList): Compatibility {
  if (json === undefined || json === "BACKWARD_TRANSITIVE") return "BACKWARD_TRANSITIVE";
  if (json === "FULL_TRANSITIVE") return json;
  if (compatibilities.includes(json as Compatibility)) {
    issues.unsupported(
      "compatibility",
      `${json as Compatibility} would let the archive and the table become unreadable; use BACKWARD_TRANSITIVE or FULL_TRANSITIVE.`,
    );
  } else {
    issues.invalid("compatibility", "The compatibility must be BACKWARD_TRANSITIVE or FULL_TRANSITIVE.");
  }
  return "BACKWARD_TRANSITIVE";
}

function readFields(
  json: unknown,
  options: { readonly property: "key" | "order"; readonly schema: AvroRecordSchema; readonly issues: IssueList },
): readonly string[] {
  const { property, schema, issues } = options;
  const what = property === "key" ? "the fields that make a record unique" : "the fields that say which of two records with one key is the later";
  if (!Array.isArray(json) || json.length === 0 || json.length > fieldsMax[property] || !json.every((name) => typeof name === "string")) {
    const otherwise = property === "order" ? `, or "log"` : "";
    issues.invalid(property, `The ${property} must be an array of 1 to ${fieldsMax[property]} field names: ${what}${otherwise}.`);
    return [];
  }
  const names = json as readonly string[];
  names.forEach((name, index) => {
    const path = `${property}[${index}]`;
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (names.indexOf(name) !== index) issues.invalid(path, `${name} stands there twice.`);
    else if (field === undefined) issues.invalid(path, noField(schema, name));
    else {
      const fault = property === "key" ? keyFault(field) : orderFault(field);
      if (fault !== undefined) issues.invalid(path, fault);
    }
  });
  return names;
}

function readPartition(json: unknown, schema: AvroRecordSchema, issues: IssueList): readonly PartitionField[] {
  if (json === undefined) return [];
  if (!Array.isArray(json) || json.length > fieldsMax.partition) {
    issues.invalid("partition", `The partition must be an array of at most ${fieldsMax.partition} objects: { "field": …, "transform": … }.`);
    return [];
  }
  const seen = new Set<string>();
  return json.flatMap((item: unknown, index) => {
    const path = `partition[${index}]`;
    const field = readPartitionField(item, { path, schema, issues });
    if (field === undefined) return [];
    const twin = `${field.field} ${field.transform}`;
    if (seen.has(twin)) issues.invalid(path, `${field.transform} of ${field.field} stands there twice.`);
    seen.add(twin);
    return [field];
  });
}

/** What a partition field looks like; who wrote `{ day: at }` is told with the same words. */
function partitionForm(json: unknown): string {
  const [[name, value] = []] = isObject(json) ? Object.entries(json) : [];
  const transform = transforms.find((candidate) => candidate === name);
  const width = transform === "bucket" || transform === "truncate" ? ', "width": …' : "";
  if (transform !== undefined && typeof value === "string")
    return `Write { "field": ${JSON.stringify(value.slice(0, 100))}, "transform": "${transform}"${width} } instead of { "${transform}": … }.`;
  return `A partition field must be { "field": …, "transform": … } with one of ${transforms.join(" ")}; bucket and truncate take a "width" too.`;
}

function readPartitionField(
  json: unknown,
  options: { readonly path: string; readonly schema: AvroRecordSchema; readonly issues: IssueList },
): PartitionField | undefined {
  const { path, schema, issues } = options;
  if (!isObject(json) || !("field" in json && "transform" in json)) return issues.invalid(path, partitionForm(json));
  issues.onlyProperties(json, { path, known: ["field", "transform", "width"] });
  const transform = transforms.find((candidate) => candidate === json["transform"]);
  const field = schema.fields.find((candidate) => candidate.name === json["field"]);
  if (transform === undefined) issues.invalid(`${path}.transform`, `The transform must be one of ${transforms.join(" ")}.`);
  if (field === undefined) issues.invalid(`${path}.field`, noField(schema, json["field"]));
  if (transform === undefined || field === undefined) return undefined;
  const width = json["width"];
  const needed = transform === "bucket" || transform === "truncate";
  const good = typeof width === "number" && Number.isSafeInteger(width) && width > 0 && width <= 0x7fffffff;
  if (needed && !good) return issues.invalid(`${path}.width`, `${transform} needs its width, a whole number above 0.`);
  if (!needed && width !== undefined) issues.invalid(`${path}.width`, `${transform} has no width.`);
  const fault = partitionFault(field, transform, needed ? (width as number) : undefined);
  if (fault !== undefined) issues.invalid(`${path}.field`, fault);
  return { field: field.name, transform, ...(needed ? { width: width as number } : {}) };
}
