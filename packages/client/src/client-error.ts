import { CodedError, type FieldError } from "@mainstem/contract";

/** What each code of this package means for the person who meets it. Problems of the server keep the server's codes. */
export const clientCodes = {
  "client.answer": "Is that address a Mainstem server? Something between may have answered in its place.",
  "client.closed": "It was closed already; create another.",
  "client.datasetClosed": "Read on in the dataset that the message names: give both, the older one first.",
  "client.groupBehind": "Nothing, if it passes: the other members of the group have to commit what they read first. See that they run and commit.",
  "client.refused": "Mend the records that the error names, or change their contract.",
  "client.spoolCorrupt": "Restore the named file from a copy, or move it away and give its records up: bytes that were durable have changed.",
  "client.spoolFailed": "See the cause: free space on the disk of the spool, or mend its permissions. What was handed over waits meanwhile.",
  "client.spoolLocked": "Give each process a spool directory of its own.",
  "client.spoolMismatch": "Give the spool directory back to the dataset, or the version of this package, that wrote it.",
  "client.timeout": "The server did not answer in time: see its load, or allow more time.",
  "client.tooLarge": "Send a smaller record, or allow a larger buffer.",
  "client.unreachable": "Start the server, or check its address and the network between.",
  "client.unreadable": "See the record's position in the log; give onUnreadable to pass over such records.",
  "client.unsent": "The records stand in the error: keep them, or give the producer a spool directory.",
  "client.usage": "Mend the argument that the message names.",
} as const;
export type ClientCode = keyof typeof clientCodes;

/**
 * The error of this package: `code` is one of `clientCodes`, or the code of the server's problem (such as `registry.datasetUnknown`), whose other
 * members are the facts.
 */
export class ClientError extends CodedError {}

/** A record that the door did not take: by `send` it is told to `onRefused`, by `deliver` it rejects. */
export interface Refusal {
  /** As it was sent, through JSON. */
  readonly record: unknown;
  /** Such as `record.invalid`; another code where the whole request was refused. */
  readonly code: string;
  /** What is wrong at which path; empty where the record itself is not at fault. */
  readonly errors: readonly FieldError[];
  readonly message: string;
}

export class RefusedError extends ClientError {
  readonly refusals: readonly Refusal[];

  /** `count` may be more than the refusals that are still known. */
  constructor(refusals: readonly Refusal[], { count = refusals.length }: { readonly count?: number } = {}) {
    const [first] = refusals;
    const rest = count > 1 ? ` (the first of ${count})` : "";
    super("client.refused", `${first?.message ?? "Records were refused."}${rest}`, { count, code: first?.code, errors: first?.errors ?? [] });
    this.refusals = refusals;
  }
}

/** Records that were never acknowledged when a producer without a spool had to end. */
export class UnsentError extends ClientError {
  readonly records: readonly unknown[];
  /** What was refused meanwhile, and nobody was told of. */
  readonly refusals: readonly Refusal[];

  constructor(records: readonly unknown[], { refusals, cause }: { readonly refusals: readonly Refusal[]; readonly cause?: unknown }) {
    super("client.unsent", `${records.length} records were not acknowledged before the producer had to end.`, { count: records.length }, { cause });
    this.records = records;
    this.refusals = refusals;
  }
}

/** Told when something failed and will be tried again. */
export type OnProblem = (error: ClientError, next: { readonly retryInMs: number }) => void;

export function usage(message: string, facts: Readonly<Record<string, unknown>> = {}): ClientError {
  return new ClientError("client.usage", message, facts);
}

/** A limit that a caller may set: a whole number of at least `least`. */
export function parseLimit(name: string, value: number | undefined, { usual, least }: { readonly usual: number; readonly least: number }): number {
  const limit = value ?? usual;
  if (!Number.isSafeInteger(limit) || limit < least) throw usage(`${name} is a whole number of at least ${least}.`, { option: name, received: limit });
  return limit;
}
