import type { Dataset } from "../registry/index.ts";
import type { Encoding } from "./body.ts";
import type { RefusedRecord } from "./refused-list.ts";

export const formats = ["ndjson", "json"] as const;
/** `json`: one record, or an array of records. */
export type Format = (typeof formats)[number];

export interface IngestRequest {
  readonly dataset: string;
  readonly format: Format;
  readonly encoding: Encoding;
  /** Encoded as `encoding` says. It is read no faster than the log takes the records. Its chunks are the door's: it gives their memory back once it has read them. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Of the body as it comes, where that is known: says only how much room to make at first. */
  readonly bytes?: number;
  /** What becomes of invalid records: named in the answer, or kept in the dataset's inbox. Never both. */
  readonly invalid: "refuse" | "inbox";
  /** Nothing is appended unless every record is valid. Not with `inbox`. */
  readonly atomic: boolean;
  /** A repeat with the same key and body within a day changes nothing and gets the same answer. */
  readonly idempotencyKey?: string;
  /** The producer's own time, which travels with each record as the header `mainstem-sent-at`. */
  readonly sentAt?: string;
}

export interface Answer {
  /** How many records the body held. */
  readonly records: number;
  readonly accepted: number;
  readonly quarantined: number;
  /** Refused records, in order; the first ones if there are very many. */
  readonly refused: readonly RefusedRecord[];
  /** Refused records beyond those. */
  readonly refusedMore: number;
  /** The dataset that continues this one, which is not closed yet: where to send from now on. */
  readonly successor?: string;
}

/** What a dataset's door has seen since the start. */
export interface DoorCounts {
  accepted: number;
  quarantined: number;
  refused: number;
  /** Of decompressed bodies. */
  bytes: number;
}

export interface IngestStatus {
  /** Memory held by requests, and requests that wait for some. */
  readonly heldBytes: number;
  readonly waiting: number;
  /** The last request that the platform failed, if none has succeeded since. */
  readonly failing: { readonly code: string; readonly message: string; readonly at: number } | undefined;
}

/**
 * The one way in: validates, encodes, appends.
 *
 * Durability: `accept` resolves when every accepted and quarantined record survives a loss of power.
 * Order: records of one request with the same key keep their order in the log.
 * Streams: an NDJSON body without `atomic` and key is stored as it comes. When it breaks off, or a later part cannot be stored, `accept` rejects
 * and a part may be stored. JSON bodies, `atomic` and keys take the body whole (`ingest.tooLarge` beyond the limit) before the first append.
 * Memory: bounded for each request and for all together, whatever the input; the body is not read while there is none.
 * Cancellation: the signal ends the waiting for the body and for memory; what was handed to the log is finished.
 * Closed datasets: whatever is not in the log already is `ingest.datasetClosed`.
 * Errors: `registry.datasetUnknown`, `ingest.*`, and those of the log.
 */
export interface Ingest extends AsyncDisposable {
  accept(request: IngestRequest, options?: { readonly signal?: AbortSignal | undefined }): Promise<Answer>;
  /**
   * Closes a dataset that another one continues: takes nothing new, waits two seconds for requests that run and ends those that still do
   * (`ingest.datasetClosing`), then has the registry note where the topic ends. Idempotent. When it rejects, or the process dies, the dataset is open as
   * before, or closed. Errors: `registry.closeRefused`, `ingest.datasetClosing` (somebody else does it at this moment), those of registry and log.
   */
  close(dataset: string): Promise<Dataset>;
  /** An append to a dataset's topic from elsewhere than the door, such as a replay's: closing waits for it, and after that it is `ingest.datasetClosed`. */
  whileOpen<T>(dataset: string, append: () => Promise<T>): Promise<T>;
  counts(): ReadonlyMap<string, Readonly<DoorCounts>>;
  status(): IngestStatus;
}

/** The limits that tests and settings change; the rest is in `runtime/limits.ts`. */
export interface IngestLimits {
  readonly bodyBytesMax: number;
  readonly recordBytesMax: number;
  /** Of a batch's records section. */
  readonly batchBytesMax: number;
  readonly windowBytes: number;
  readonly lingerMs: number;
  readonly bytesMax: number;
  readonly waitingMax: number;
  readonly waitMs: number;
  readonly keyBatchesMax: number;
}
