import type { Refusal } from "../client-error.ts";

/** Who waits for one record of a batch. */
export interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Records that are sent in one request. Its bytes and its key never change: that is what makes repeating it safe. */
export interface Batch {
  readonly idempotencyKey: string;
  /** NDJSON, a line for each record. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly records: number;
}

/** A batch in this process: what a spool cannot hold goes with it. */
export interface LiveBatch extends Batch {
  /** By the record's place in the batch. */
  readonly waiters: ReadonlyMap<number, Waiter>;
}

/** What became of a batch: refusals by the record's place. */
export interface Outcome {
  readonly refusals: ReadonlyMap<number, Refusal>;
}

/** The records of a batch, parsed; only made where something is to be told about them. */
export function recordsOf({ body }: Batch): readonly unknown[] {
  const lines = new TextDecoder().decode(body).split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** The batch as two, for a server that takes less in one request. The keys follow from its own, so that a later repeat is cut in the same way. */
export function halve({ idempotencyKey, body, records }: Batch): readonly [Batch, Batch] {
  const half = Math.ceil(records / 2);
  let cut = 0;
  for (let line = 0; line < half; line++) cut = body.indexOf(10, cut) + 1;
  return [
    { idempotencyKey: `${idempotencyKey}a`, body: body.subarray(0, cut), records: half },
    { idempotencyKey: `${idempotencyKey}b`, body: body.subarray(cut), records: records - half },
  ];
}
