import type { AvroRecordSchema } from "./avro/schema.ts";
import { fieldAt } from "./check-rules.ts";
import type { Contract, Deletes, FieldRule, Merge } from "./contract.ts";
import { fieldRules, mergeKinds } from "./contract.ts";
import { isDatasetName } from "./dataset-name.ts";
import { isDuration } from "./durations.ts";
import { isScalar, noField, ruleFault } from "./field-rules.ts";
import { isObject, type IssueList } from "./issue-list.ts";

const limits = { sort: 16, subject: 16, tags: 50, tagLength: 100, values: 1_000, valueLength: 1_000 } as const;
const durationExpected = "a duration such as 30s, 15m, 1h or 7d";

interface Reading {
  readonly schema: AvroRecordSchema;
  readonly issues: IssueList;
}

/** `latest` where nothing is said, or nothing that could be read. */
export function readMerge(json: unknown, { schema, issues }: Reading): Merge {
  if (json === undefined) return { kind: "latest" };
  const kind = isObject(json) ? mergeKinds.find((candidate) => candidate === json["kind"]) : undefined;
  if (!isObject(json) || kind === undefined) {
    const sum = isObject(json) && json["kind"] === "sum" ? "There is no sum: a record that is sent twice would change it. " : "";
    issues.invalid("merge", `${sum}The merge must be { "kind": … } of ${mergeKinds.join(", ")}.`);
    return { kind: "latest" };
  }
  issues.onlyProperties(json, { path: "merge", known: kind === "fields" ? ["kind", "fields"] : ["kind"] });
  return kind === "fields" ? { kind, fields: readFieldRules(json["fields"], { schema, issues }) } : { kind };
}

/** In the order of the schema, so that equal rules have equal text. */
function readFieldRules(json: unknown, { schema, issues }: Reading): Readonly<Record<string, FieldRule>> {
  if (!isObject(json) || Object.keys(json).length === 0) {
    issues.invalid("merge.fields", `A merge by field needs its rules: { "<field>": one of ${fieldRules.join(" ")} }; for none, use { "kind": "latest" }.`);
    return {};
  }
  for (const [name, rule] of Object.entries(json)) {
    const path = `merge.fields.${name.slice(0, 100)}`;
    const field = schema.fields.find((candidate) => candidate.name === name);
    const known = fieldRules.find((candidate) => candidate === rule);
    if (field === undefined) issues.invalid(path, noField(schema, name));
    else if (rule === "sum")
      issues.invalid(
        path,
        "There is no sum: a record that is sent twice would change it. Keep the figures as records of their own, and add them up in a query.",
      );
    else if (known === undefined) issues.invalid(path, `The rule must be one of ${fieldRules.join(" ")}.`);
    else {
      const fault = ruleFault(field, known);
      if (fault !== undefined) issues.invalid(path, fault);
    }
  }
  const names = schema.fields.map(({ name }) => name).filter((name) => Object.hasOwn(json, name));
  return Object.fromEntries(names.map((name) => [name, json[name] as FieldRule]));
}

export function readDeletes(json: unknown, { schema, issues }: Reading): Pick<Contract, "deletes"> {
  if (json === undefined) return {};
  if (!isObject(json)) return refuse(issues, "deletes", 'The deletes must be an object: { "field": … }, with values where the field is no boolean.');
  issues.onlyProperties(json, { path: "deletes", known: ["field", "values", "horizon"] });
  const { values, horizon } = json;
  const field = schema.fields.find((candidate) => candidate.name === json["field"]);
  if (field === undefined) return refuse(issues, "deletes.field", noField(schema, json["field"]));
  const texts = values === undefined ? undefined : readTexts(values, { path: "deletes.values", max: limits.values, issues });
  if (horizon !== undefined && !isDuration(horizon)) issues.invalid("deletes.horizon", `The horizon must be ${durationExpected}.`);
  const deletes: Deletes = {
    field: field.name,
    ...(texts === undefined ? {} : { values: texts }),
    ...(isDuration(horizon) ? { horizon } : {}),
  };
  return { deletes };
}

export function readSort(json: unknown, { schema, issues }: Reading): Pick<Contract, "sort"> {
  if (json === undefined) return { sort: [] };
  const sort = readTexts(json, { path: "sort", max: limits.sort, least: 0, issues });
  for (const [index, name] of sort.entries()) {
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (field === undefined) issues.invalid(`sort[${index}]`, noField(schema, name));
    else if (!isScalar(field)) issues.invalid(`sort[${index}]`, `${name} is a structure, whose values have no order; sort by single values.`);
    else if ("pii" in field && field.pii === true)
      issues.invalid(`sort[${index}]`, "A field marked pii must not be sorted by: its values would stand in statistics.");
  }
  return { sort };
}

export function readSubject(json: unknown, { schema, issues }: Reading): Pick<Contract, "subject"> {
  if (json === undefined) return {};
  const subject = readTexts(json, { path: "subject", max: limits.subject, issues });
  for (const [index, path] of subject.entries()) {
    const field = fieldAt(schema, path);
    if (field === undefined) issues.invalid(`subject[${index}]`, "The subject must name fields of the schema, or paths through records such as customer.id.");
    else if (!isScalar(field)) issues.invalid(`subject[${index}]`, `${path} is a structure; name the value in it that says whose data it is.`);
  }
  return { subject };
}

/** Sorted, each once. */
export function readTags(json: unknown, issues: IssueList): readonly string[] {
  if (json === undefined) return [];
  const good = (tag: unknown) => typeof tag === "string" && tag.length <= limits.tagLength && tag.trim() === tag && tag !== "";
  if (Array.isArray(json) && json.length <= limits.tags && json.every(good)) return [...new Set(json as readonly string[])].sort();
  issues.invalid("tags", `The tags must be an array of at most ${limits.tags} words, each of at most ${limits.tagLength} characters.`);
  return [];
}

export function readRetention(json: unknown, issues: IssueList): Pick<Contract, "retention"> {
  if (json === undefined) return {};
  if (!isObject(json)) return refuse(issues, "retention", 'The retention must be an object: { "log": "7d" }, { "logBytes": 1000000000 } or both.');
  const { log, logBytes, archive, ...others } = json;
  if (archive !== undefined) issues.unsupported("retention.archive", "The archive is kept for ever: every table can be built from it again. Leave it out.");
  issues.onlyProperties(others, { path: "retention", known: ["log", "logBytes"] });
  if (log !== undefined && !isDuration(log)) issues.invalid("retention.log", `The retention of the log must be ${durationExpected}.`);
  const counted = typeof logBytes === "number" && Number.isSafeInteger(logBytes) && logBytes > 0;
  if (logBytes !== undefined && !counted) issues.invalid("retention.logBytes", "logBytes must be a whole number of bytes above 0, for each partition.");
  if (log === undefined && logBytes === undefined && archive === undefined) issues.invalid("retention", "A retention needs log, logBytes or both.");
  return { retention: { ...(isDuration(log) ? { log } : {}), ...(counted ? { logBytes } : {}) } };
}

export function readMaxAhead(json: unknown, issues: IssueList): Pick<Contract, "maxAhead"> {
  if (json === undefined) return {};
  return isDuration(json) ? { maxAhead: json } : refuse(issues, "maxAhead", `maxAhead must be ${durationExpected}.`);
}

export function readPredecessor(json: unknown, { name, issues }: { readonly name: string; readonly issues: IssueList }): Pick<Contract, "predecessor"> {
  if (json === undefined) return {};
  if (!isDatasetName(json)) return refuse(issues, "predecessor", "The predecessor must be the name of a dataset: namespace.name.");
  if (json === name) return refuse(issues, "predecessor", "A dataset cannot continue itself; name the one before, or leave the predecessor out.");
  return { predecessor: json };
}

function readTexts(
  json: unknown,
  { path, max, least = 1, issues }: { readonly path: string; readonly max: number; readonly least?: number; readonly issues: IssueList },
): readonly string[] {
  const good = (text: unknown) => typeof text === "string" && text.length <= limits.valueLength;
  if (!Array.isArray(json) || json.length < least || json.length > max || !json.every(good)) {
    issues.invalid(path, `${path} must be an array of ${least} to ${max} texts.`);
    return [];
  }
  const texts = json as readonly string[];
  texts.forEach((text, index) => {
    if (texts.indexOf(text) !== index) issues.invalid(`${path}[${index}]`, `${text.slice(0, 100)} stands there twice.`);
  });
  return texts;
}

function refuse(issues: IssueList, path: string, message: string): Partial<Contract> {
  issues.invalid(path, message);
  return {};
}
