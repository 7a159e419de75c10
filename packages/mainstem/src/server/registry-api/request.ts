import { compatibilities, parseExact, type Compatibility } from "@mainstem/contract";
import { subjectModes, type SubjectMode, type SubmittedReference, type SubmittedSchema, type VersionNumber } from "../../registry/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { limits } from "../../runtime/limits.ts";
import { toJson } from "../json.ts";
import { invalidSchema } from "./registry-error.ts";

/** Parameters that are not known are ignored here: clients of other versions send some that only other registries know. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export function isTrue(query: Query, name: string): boolean {
  return textOf(query, name)?.toLowerCase() === "true";
}

/** What subjects begin with. A context in front of it is the default one, or all, which are the same here. */
export function prefixOf(query: Query): string {
  return (textOf(query, "subjectPrefix") ?? "").replace(/^:[.*]:/, "");
}

export function textOf(query: Query, name: string): string | undefined {
  const value = query[name];
  return typeof value === "string" ? value : value?.at(-1);
}

/** The part of a list that `offset` and `limit` ask for; without them, or with a limit below 0, all of it. */
export function pageOf<T>(list: readonly T[], query: Query): readonly T[] {
  const offset = Math.max(0, Number(textOf(query, "offset")) || 0);
  const limit = Number(textOf(query, "limit") ?? -1);
  return list.slice(offset, limit >= 0 ? offset + limit : undefined);
}

/** A number from 1 to 2^31-1, or `latest` (for which -1 stands too). */
export function parseVersion(text: string): VersionNumber {
  if (text === "latest" || text === "-1") return "latest";
  const version = Number(text);
  if (/^[1-9]\d{0,9}$/.test(text) && version <= 2_147_483_647) return version;
  const message = `The specified version '${text.slice(0, 100)}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`;
  throw new MainstemError("registry.versionInvalid", message);
}

/** What is no number is the id of no schema. */
export function parseId(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new MainstemError("registry.schemaUnknown", `Schema ${text.slice(0, 100)} not found.`);
}

export interface Registration extends SubmittedSchema {
  readonly id?: number;
  readonly version?: number;
}

/** The body of a registration, a look-up or a check: `{schema, schemaType?, references?}`, where `schema` is the schema's JSON as text. */
export function parseRegistration(body: unknown): Registration {
  if (!isObject(body)) throw invalidSchema('the body must be an object: {"schema": "…"}.');
  const { schema, schemaType, references, metadata, ruleSet } = body;
  const [id, version] = [numberIn(body, "id"), numberIn(body, "version")];
  if (schemaType !== undefined && schemaType !== null && !(typeof schemaType === "string" && ["", "AVRO"].includes(schemaType.toUpperCase())))
    throw invalidSchema(`the type ${toJson(schemaType).slice(0, 100)} is not supported; this registry takes AVRO only.`);
  for (const [name, value] of Object.entries({ metadata, ruleSet }))
    if (value !== undefined && value !== null) throw invalidSchema(`${name} is not supported by this registry; leave it out.`);
  if (typeof schema !== "string" || schema.trim() === "") throw invalidSchema("the member schema must hold the schema's JSON as text, and is empty.");
  return {
    schema: parseSchemaText(schema),
    references: parseReferences(references),
    ...(id !== undefined && id >= 0 ? { id } : {}),
    ...(version !== undefined && version > 0 ? { version } : {}),
  };
}

/** A number, which may be written as text. */
function numberIn(body: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = body[name] ?? undefined;
  const number = typeof value === "string" && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  if (number === undefined || typeof number === "number") return number;
  throw invalidSchema(`the member ${name} must be a number.`);
}

/** Avro's own tools also take the bare name of a primitive type for its schema. */
function parseSchemaText(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (/^\w+$/.test(text.trim())) return text.trim();
    throw invalidSchema(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parseReferences(json: unknown): readonly SubmittedReference[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json) || json.length > limits.schemaReferencesMax)
    throw invalidSchema(`references must be an array of at most ${limits.schemaReferencesMax} objects {name, subject, version}.`);
  return json.map((one: unknown) => {
    const { name, subject, version } = isObject(one) ? one : {};
    if (typeof name !== "string" || typeof subject !== "string" || !isVersion(version))
      throw invalidSchema("each of the references must be {name, subject, version}.");
    return { name, subject, version: version === -1 ? "latest" : version };
  });
}

export function parseLevel(body: unknown): Compatibility {
  const text = isObject(body) ? body["compatibility"] : undefined;
  const level = compatibilities.find((one) => typeof text === "string" && one === text.toUpperCase());
  if (level === undefined)
    throw new MainstemError(
      "registry.levelInvalid",
      `Invalid compatibility level. Valid values are ${compatibilities.map((one) => one.toLowerCase()).join(", ")}`,
    );
  return level;
}

export function parseMode(body: unknown): SubjectMode {
  const text = isObject(body) ? body["mode"] : undefined;
  const mode = subjectModes.find((one) => typeof text === "string" && one === text.toUpperCase());
  if (mode === undefined) throw new MainstemError("registry.modeInvalid", `Invalid mode. Valid values are ${subjectModes.join(", ")}`);
  return mode;
}

/** -1 is the latest. */
function isVersion(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && (value >= 1 || value === -1);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
