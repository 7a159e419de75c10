import { formatContract, parseContract, type Contract } from "@mainstem/contract";
import type { TopicId, TopicInfo } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";
import type { Definition } from "../state/index.ts";
import type { DatasetVersion, Generation } from "./dataset.ts";

export const datasetKind = "dataset";

/** The specification of a definition of kind `dataset` (docs/formats/definitions.md). */
export interface StoredDataset {
  readonly contract: Contract;
  readonly schemaId: number;
  /** Oldest first. */
  readonly generations: readonly TopicId[];
  /** Where the declaration came from; versions that nobody applied, and old ones, have none. */
  readonly provenance?: string | undefined;
  /** The dataset that may follow this one: no other may. It is claimed before that dataset is made. */
  readonly successor?: string | undefined;
  /** Nothing is appended to the topic any more. */
  readonly closing?: StoredClosing | undefined;
}

export interface StoredClosing {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly topicId: TopicId;
  /** By partition, the first offset that there is not, as long as it is closed. */
  readonly ends: readonly number[];
}

export function formatDataset({ contract, schemaId, generations, provenance, successor, closing }: StoredDataset): unknown {
  const optional = Object.entries({ provenance, successor, closing }).filter(([, value]) => value !== undefined);
  return { contract: formatContract(contract), schemaId, generations, ...Object.fromEntries(optional) };
}

/** `state.corrupt` when the stored definition is not one of a dataset; a contract of a later format is `registry.newer`, another that cannot be read keeps its own code. */
export function parseDataset({ name, version, spec }: Definition): StoredDataset {
  const stored = (typeof spec === "object" && spec !== null ? spec : {}) as Readonly<Record<string, unknown>>;
  const { contract: json, schemaId, generations, provenance, successor, closing } = stored;
  const fits = isTopicIds(generations) && typeof schemaId === "number" && [provenance, successor].every(isTextOrAbsent) && isClosingOrAbsent(closing);
  if (!fits) throw corrupt({ name, version });
  refuseNewer(json, { code: "registry.newer", what: `The contract of ${name} in version ${version}`, known: 1 });
  const contract = parseContract(json);
  if (contract.name !== name) throw corrupt({ name, version });
  const optional = Object.entries({ provenance, successor, closing }).filter(([, value]) => value !== undefined);
  return { contract, schemaId, generations, ...Object.fromEntries(optional) };
}

export function toDatasetVersion(definition: Definition): DatasetVersion {
  const { contract, schemaId, provenance, closing } = parseDataset(definition);
  const optional = { ...(provenance === undefined ? {} : { provenance }), ...(closing === undefined ? {} : { closed: true as const }) };
  return { version: definition.version, contract, schemaId, appliedAt: definition.appliedAt, ...optional };
}

export function toGenerations(ids: readonly TopicId[]): readonly Generation[] {
  return ids.map((topicId, index) => ({ generation: index + 1, topicId }));
}

/** The topic ids with the present one as the last. */
export function withTopic(generations: readonly TopicId[], { id, name }: TopicInfo): readonly TopicId[] {
  if (generations.at(-1) === id) return generations;
  // Its offsets were given out once, the archive holds what they meant, and the log may give them out again.
  if (generations.includes(id))
    throw new MainstemError("registry.diverged", `Topic ${name} is an earlier one than the dataset had last: the log is older than the state.`, {
      topic: name,
      id,
    });
  return [...generations, id];
}

function isTopicIds(value: unknown): value is readonly TopicId[] {
  return Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === "string");
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function isClosingOrAbsent(value: unknown): value is StoredClosing | undefined {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  const { at, topicId, ends } = value as Readonly<Record<string, unknown>>;
  return typeof at === "number" && typeof topicId === "string" && Array.isArray(ends) && ends.every((end) => Number.isSafeInteger(end));
}

function corrupt({ name, version }: { readonly name: string; readonly version: number }): MainstemError {
  return new MainstemError("state.corrupt", `The stored definition of dataset ${name}, version ${version}, is damaged.`, { kind: datasetKind, name, version });
}
