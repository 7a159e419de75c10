import type { Compatibility } from "@mainstem/contract";

/** A named type that a schema takes from another subject's version. */
export interface SchemaReference {
  /** The full name of the type, as the schema uses it. */
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as a client sends it. */
export interface SubmittedSchema {
  /** Avro as JSON, not looked at yet. */
  readonly schema: unknown;
  readonly references: readonly SubmittedReference[];
}

/** A reference as a client sends it: `latest` stands for the version that is the latest now, and is kept as that number. */
export interface SubmittedReference extends Omit<SchemaReference, "version"> {
  readonly version: VersionNumber;
}

/** One version of a subject. */
export interface SubjectVersion {
  readonly subject: string;
  /** Counts from 1 within the subject. */
  readonly version: number;
  /** Of the schema, the same in every subject. */
  readonly id: number;
  /** The schema's canonical text; types that come from references are named only. */
  readonly schema: string;
  readonly references: readonly SchemaReference[];
  /** Softly: it is found only where deleted ones are asked for. */
  readonly deleted: boolean;
}

/** A dataset that has only a schema. */
export interface WaitingDataset {
  readonly name: string;
  readonly subject: string;
  /** Of the newest schema, within the subject. */
  readonly version: number;
  readonly schemaId: number;
}

/**
 * What a subject takes: new versions and deletions; nothing; nothing, whatever the modes of subjects say; or versions of another registry, unjudged and
 * with the ids that they have there.
 */
export const subjectModes = ["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"] as const;
export type SubjectMode = (typeof subjectModes)[number];

export type VersionNumber = number | "latest";
export interface Seen {
  /** Softly deleted ones count too. */
  readonly deleted?: boolean;
}

/**
 * The schemas of the platform by subject, as the registries of the field know them.
 *
 * The subject `<dataset>-value` is the dataset's schema: its versions are the distinct schemas that the dataset has had, registering one there
 * changes the dataset's contract, and nothing of it is deleted. Before there is a dataset, such a subject holds what was registered;
 * a contract that comes later must be compatible with that, and goes on with its versions. Every other subject stands for itself.
 *
 * Identity: schemas with the same canonical text, types from references filled in, are one schema with one id for ever.
 * Concurrency: as for datasets: of concurrent changes each is judged against those before it, in every process.
 * Errors: `registry.subjectUnknown`, `registry.versionUnknown`, `registry.schemaUnknown`, `registry.schemaInvalid`, `registry.subjectInvalid`,
 * `registry.incompatible` and `contract.incompatible` (with reasons), `registry.notPermitted`, `registry.referenced`, `registry.conflict`,
 * those that say what must be deleted first, and those of state and objects.
 */
export interface Subjects {
  /** Ordered by name. */
  list(options?: Seen & { readonly prefix?: string; readonly deletedOnly?: boolean }): Promise<readonly string[]>;
  /** Every version of every subject, ordered by subject and version. */
  all(options?: Seen & { readonly prefix?: string }): Promise<readonly SubjectVersion[]>;
  /** Oldest first; `registry.subjectUnknown` when there are none. */
  versions(subject: string, options?: Seen): Promise<readonly SubjectVersion[]>;
  version(subject: string, version: VersionNumber, options?: Seen): Promise<SubjectVersion>;
  /** The version of the subject that is this schema. */
  find(subject: string, submitted: SubmittedSchema, options?: Seen): Promise<SubjectVersion>;
  /** The version that is this schema, in whatever mode; made now if there is none. Idempotent. Then mode IMPORT needs an `id` and takes any free `version`; otherwise that is the next one. */
  register(subject: string, submitted: SubmittedSchema, options?: { readonly version?: number; readonly id?: number }): Promise<SubjectVersion>;
  /** Why the schema could not be the next version, in sentences; empty when it could. */
  check(subject: string, submitted: SubmittedSchema, against: VersionNumber | "all"): Promise<readonly string[]>;
  /** Deletes all versions, softly first, then for good; gives their numbers. */
  remove(subject: string, options?: { readonly permanent?: boolean }): Promise<readonly number[]>;
  /** Deletes one version, softly first, then for good; gives its number. */
  removeVersion(subject: string, version: VersionNumber, options?: { readonly permanent?: boolean }): Promise<number>;
  /** A schema by its id, with the references of the subject that is named, or of any that has it; `registry.schemaUnknown` when none has, not even deleted. */
  schema(id: number, options?: { readonly subject?: string }): Promise<{ readonly schema: string; readonly references: readonly SchemaReference[] }>;
  /** The greatest id that was given out; 0 before the first. */
  highestId(): Promise<number>;
  /** Where a schema is a version; `registry.schemaUnknown` when it is none, not even a deleted one. */
  usesOf(id: number, options?: Seen): Promise<readonly SubjectVersion[]>;
  /** The newest version of each subject of a dataset that is not there: it has a schema and waits for the rest of its contract. Ordered by dataset. */
  waiting(): Promise<readonly WaitingDataset[]>;
  /** The ids of schemas that take a type from this version, ascending. */
  referencedBy(subject: string, version: VersionNumber, options?: Seen): Promise<readonly number[]>;
  readonly settings: SubjectSettings;
}

/** Compatibility level and mode, of a subject or (`undefined`) of all that have none of their own. */
export interface SubjectSettings {
  /** What was set, and what holds: the subject's own, else the global one. A dataset's level is its contract's. */
  level(subject: string | undefined): Promise<{ readonly own: Compatibility | undefined; readonly effective: Compatibility }>;
  /** Of a dataset's subject it changes the contract, which takes BACKWARD_TRANSITIVE and FULL_TRANSITIVE; undefined goes back to the default. */
  setLevel(subject: string | undefined, level: Compatibility | undefined): Promise<void>;
  mode(subject: string | undefined): Promise<{ readonly own: SubjectMode | undefined; readonly effective: SubjectMode }>;
  /** IMPORT needs a subject without versions (or a registry without subjects), or `force`. */
  setMode(subject: string | undefined, mode: SubjectMode | undefined, options?: { readonly force?: boolean }): Promise<void>;
}
