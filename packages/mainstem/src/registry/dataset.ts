import type { AvroRecordSchema, Contract, FieldChanges, RefusedChange } from "@mainstem/contract";
import type { TopicId, TopicInfo } from "../log/index.ts";
import type { Version } from "../state/index.ts";
import type { Subjects } from "./subject.ts";

/** The topic ids that a dataset has had: generation 1 is the first. */
export interface Generation {
  readonly generation: number;
  readonly topicId: TopicId;
}

/** A dataset whose door is closed, because another one continues it. */
export interface Closed {
  readonly successor: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly topicId: TopicId;
  /** By partition, the first offset that there is not, as long as it is closed. */
  readonly ends: readonly number[];
}

/** A registered dataset in its current version. */
export interface Dataset {
  readonly contract: Contract;
  readonly version: Version;
  /** The global id of the contract's schema: what the wire format carries. */
  readonly schemaId: number;
  readonly topics: { readonly records: TopicInfo; readonly chunks: TopicInfo; readonly inbox: TopicInfo };
  /** Oldest first; the last is `topics.records.id`. */
  readonly generations: readonly Generation[];
  /** Milliseconds since 1970. */
  readonly appliedAt: number;
  /** The only dataset that may name this one as its predecessor; it may be about to be made. */
  readonly successor?: string;
  readonly closed?: Closed;
}

export type Applied =
  | { readonly kind: "created"; readonly dataset: Dataset }
  /** `rebuilt`: what the table follows only once it is built again; absent where it follows by itself. */
  | { readonly kind: "changed"; readonly dataset: Dataset; readonly changes: readonly string[]; readonly rebuilt?: readonly string[] }
  | { readonly kind: "unchanged"; readonly dataset: Dataset };

export interface ApplyOptions {
  /** Where the declaration comes from, such as the commit: kept with the version that it makes, and shown in the history. */
  readonly provenance?: string | undefined;
  /** Consent to changes for which the table has to be built again; without it they are `registry.rebuildNeeded`. */
  readonly rebuild?: boolean | undefined;
}

/** What of a dataset that is about to be made decides whether others can be. */
export type NewDataset = Pick<Contract, "name" | "predecessor">;

/** What applying a contract would do, judged as `apply` judges it. */
export type Judgement =
  | { readonly kind: "created" }
  /** A new dataset that cannot be made: of its predecessor, or of what was registered under its subject. */
  | { readonly kind: "refused"; readonly dataset: undefined; readonly refused: readonly RefusedChange[] }
  | { readonly kind: "unchanged"; readonly dataset: Dataset }
  /** `changes`: everything that differs, for people. `rebuilt`: as in `Applied`. */
  | {
      readonly kind: "changed";
      readonly dataset: Dataset;
      readonly fields: FieldChanges;
      readonly changes: readonly string[];
      readonly rebuilt?: readonly string[];
    }
  | { readonly kind: "refused"; readonly dataset: Dataset; readonly refused: readonly RefusedChange[] };

/** One version of a dataset's contract, as history shows it. */
export interface DatasetVersion {
  readonly version: Version;
  readonly contract: Contract;
  readonly schemaId: number;
  readonly appliedAt: number;
  readonly provenance?: string;
  /** Nothing is appended to it any more. */
  readonly closed?: true;
}

/**
 * The datasets and schemas of the platform.
 *
 * Concurrency: `apply` may be called at once from several processes; one change wins, the other is judged against it.
 * Identity: the same schema text has the same id for ever.
 * Versions: each change of the contract is one version of the definition; so is a new topic id (a new generation) with the contract as it was.
 * Repair: what a crash left half done is finished by the next `apply` of the dataset, and by opening a registry.
 * Predecessors: a new dataset may name one that there is and that no other follows: `registry.predecessorInvalid`. Of datasets that are applied at
 * once one follows it, the others are refused.
 * Names: of two that differ only in case the second is `registry.nameTaken`.
 * Errors: `registry.datasetUnknown`, `contract.incompatible` (with `facts.changes`: path, reason, remedy), `registry.rebuildNeeded`, `registry.conflict`, `registry.diverged`,
 * `resource.closed`, and those of state, objects and log.
 */
export interface Registry extends AsyncDisposable {
  readonly subjects: Subjects;
  /**
   * Registers or changes a dataset, and makes its topics. Idempotent. Fields of a changed contract take the places that they had before,
   * new ones the last, in whatever order they are declared. When it rejects, the change may have happened: repeat it.
   */
  apply(contract: Contract, options?: ApplyOptions): Promise<Applied>;
  /** What `apply` would do now, or once the datasets in `created` have been made. Changes nothing. */
  judge(contract: Contract, created?: readonly NewDataset[]): Promise<Judgement>;
  get(name: string): Promise<Dataset | undefined>;
  /** As `get`, but `registry.datasetUnknown` when there is none. */
  require(name: string): Promise<Dataset>;
  /** The dataset that names this one as its predecessor. */
  successorOf(name: string): Promise<Dataset | undefined>;
  /**
   * Notes that nothing is appended to a dataset any more, and where its topic ends: for who made sure of that (`Ingest.close`). Of a closed dataset
   * nothing changes. `registry.closeRefused` while no dataset follows it, or when the topic is another one.
   */
  close(name: string, closing: { readonly topicId: TopicId; readonly ends: readonly number[] }): Promise<Dataset>;
  /** Takes `close` back. Readers that have gone on to the successor read what comes now only when they start again. */
  reopen(name: string): Promise<Dataset>;
  /** Ordered by name. */
  list(): Promise<readonly Dataset[]>;
  /** Oldest first; empty when there is no such dataset. */
  history(name: string): Promise<readonly DatasetVersion[]>;
  /** The writer's schema of an id in the wire format; undefined when it was never given out, or to what is no record. */
  schema(id: number): Promise<AvroRecordSchema | undefined>;
  /** Calls back after each change that this process makes or sees (a change of another process is seen with the next `get` or `list`). Returns the way to stop. */
  onChange(listener: (dataset: Dataset) => void): () => void;
}
