import { sameJson, toSchemaJson } from "../avro/schema-text.ts";
import { formatContract } from "../contract-json.ts";
import type { Check, Contract } from "../contract.ts";
import { IssueList } from "../issue-list.ts";
import { readProperty } from "./odcs-property.ts";
import { sayCheck, toProperty, type Draft, type Json } from "./odcs-words.ts";

export interface OdcsOptions {
  /** Of the contract, as ODCS wants one: the registry's version, for instance. "1" by default. */
  readonly version?: string;
}

/**
 * A contract as an Open Data Contract Standard file, version 3.1, as JSON. What the standard has words for is said in them;
 * the rest stands in custom properties that begin with `mainstem.` (docs/formats/odcs.md), so that `fromOdcs` gives the same contract again.
 *
 * Source: Open Data Contract Standard 3.1.0 and its JSON schema.
 */
export function toOdcs(contract: Contract, { version = "1" }: OdcsOptions = {}): Json {
  const [domain, short = ""] = contract.name.split(".");
  const properties = writeProperties(contract, short);
  const said = contract.checks.map((check) => sayAt(check, properties));
  const freshness = contract.checks.find((check) => check.kind === "freshness");
  const sla = freshness === undefined ? undefined : toLatency(freshness.within, short);
  const checks = contract.checks.map((check, index) => toEntry(check, said[index] === true || check === freshness));
  const { doc } = contract.schema;
  const customs: readonly (readonly [string, unknown])[] = [
    ["mainstem.order", contract.order],
    ["mainstem.merge", contract.merge.kind === "latest" ? undefined : contract.merge],
    ["mainstem.deletes", contract.deletes],
    ["mainstem.partition", contract.partition.every(({ transform }) => transform === "identity") ? undefined : contract.partition],
    ["mainstem.immutable", contract.immutable ? true : undefined],
    ["mainstem.sort", contract.sort.length === 0 ? undefined : contract.sort],
    ["mainstem.subject", contract.subject],
    ["mainstem.retention", contract.retention],
    ["mainstem.maxAhead", contract.maxAhead],
    ["mainstem.predecessor", contract.predecessor],
    ["mainstem.removed", formatContract(contract).removed],
    ["mainstem.compatibility", contract.compatibility === "BACKWARD_TRANSITIVE" ? undefined : contract.compatibility],
    ["mainstem.checks", contract.checks.length === 0 ? undefined : checks],
    ["mainstem.doc", doc],
    ["mainstem.attributes", attributesOf(contract)],
  ];
  return {
    apiVersion: "v3.1.0",
    kind: "DataContract",
    id: contract.name,
    name: contract.name,
    version,
    status: "active",
    domain,
    ...(contract.tags.length === 0 ? {} : { tags: contract.tags }),
    ...(contract.owner === undefined ? {} : { team: { name: contract.owner } }),
    schema: [
      {
        name: short,
        physicalName: contract.name,
        physicalType: "topic",
        logicalType: "object",
        ...(contract.description === undefined ? {} : { description: contract.description }),
        properties,
        customProperties: toCustoms(customs),
      },
    ],
    ...(sla === undefined ? {} : { slaProperties: [sla] }),
  };
}

function writeProperties(contract: Contract, short: string): readonly Draft[] {
  const { fields } = toSchemaJson(contract.schema) as { readonly fields: readonly Json[] };
  return contract.schema.fields.map((field, index) => {
    const property = toProperty(field);
    const exact = sameJson(readProperty(property, { at: "", path: field.name, short, notes: [], issues: new IssueList() }).field, fields[index]);
    const key = contract.key.indexOf(field.name);
    const partition = contract.partition.findIndex((one) => one.field === field.name);
    return {
      ...property,
      ...(key < 0 ? {} : { primaryKey: true, primaryKeyPosition: key + 1 }),
      ...(partition < 0 ? {} : { partitioned: true, partitionKeyPosition: partition + 1 }),
      ...(exact ? {} : { customProperties: [{ property: "mainstem.avro", value: fields[index] }] }),
    };
  });
}

/** Says a check where its field stands, also within records. */
function sayAt(check: Check, properties: readonly Draft[]): boolean {
  if (!("field" in check)) return false;
  const [first, ...rest] = check.field.split(".");
  const property = properties.find(({ name }) => name === first);
  if (property === undefined) return false;
  if (rest.length === 0) return sayCheck(check, property);
  const inner = property["properties"];
  return Array.isArray(inner) && sayAt({ ...check, field: rest.join(".") }, inner as readonly Draft[]);
}

/** A check that is said elsewhere is named only, so that nothing is said twice. */
function toEntry(check: Check, said: boolean): unknown {
  if (!said) return check;
  return { said: check.kind, ...("field" in check ? { field: check.field } : {}) };
}

function toLatency(within: string, element: string): Json {
  const [, value, unit] = /^(\d+)(\w+)$/.exec(within) ?? [];
  return { property: "latency", value: Number(value), unit, element };
}

/** What the Avro record says beside its name, doc and fields. */
function attributesOf({ schema }: Contract): Json | undefined {
  const own = Object.entries(schema).filter(([key]) => !["type", "name", "namespace", "doc", "fields"].includes(key));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

function toCustoms(entries: readonly (readonly [string, unknown])[]): readonly Json[] {
  return entries.flatMap(([property, value]) => (value === undefined ? [] : [{ property, value }]));
}
