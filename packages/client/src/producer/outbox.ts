import { orAborted } from "../back-off.ts";
import type { Batch } from "./batch.ts";

/**
 * Batches on their way, oldest first. One sender takes them.
 *
 * `add` resolves when the batch is as safe as this outbox makes it; in a spool, when it survives the end of this process and a loss of power.
 */
export interface Outbox extends AsyncDisposable {
  /** Adds of one caller that awaits each keep their order. Waits for room. An abort rejects; the batch is then not there. */
  add(batch: Batch, options: { readonly signal: AbortSignal }): Promise<void>;
  /** The oldest batch, which stays; waits for one. */
  first(options: { readonly signal: AbortSignal }): Promise<Batch>;
  /** Forgets the oldest one. */
  removeFirst(): Promise<void>;
  /** Batches and bytes that are there. */
  size(): { readonly batches: number; readonly bytes: number };
}

/** An outbox in memory. What it holds is bounded by its producer, which counts a batch until it is acknowledged. */
export function createMemoryOutbox(): Outbox {
  const batches: Batch[] = [];
  let bytes = 0;
  let arrived = Promise.withResolvers<void>();
  return {
    async add(batch) {
      batches.push(batch);
      bytes += batch.body.length;
      arrived.resolve();
    },
    async first({ signal }) {
      for (;;) {
        signal.throwIfAborted();
        const [batch] = batches;
        if (batch !== undefined) return batch;
        arrived = Promise.withResolvers<void>();
        await orAborted(arrived.promise, { signal });
      }
    },
    async removeFirst() {
      bytes -= batches.shift()?.body.length ?? 0;
    },
    size: () => ({ batches: batches.length, bytes }),
    async [Symbol.asyncDispose]() {},
  };
}
