import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createBatches, datasetName, type Batch, type Dice, type Sent } from "./generator.ts";

/** What clients know of what they sent. */
export interface Ledger {
  /** Acknowledged: each is in the log exactly once, and its key in the table. */
  readonly accepted: Sent[];
  /** Sent without an idempotency key and never answered: each may be in the log once. */
  readonly unknown: Sent[];
  /** `sent` of records that the door must never let in. */
  readonly refusedIds: string[];
  /** Requests that were repeated after a kill until they were answered. */
  repeated: number;
}

/**
 * A client that sends one batch after the other. Half of its batches carry an idempotency key and are repeated until they are answered, over kills
 * and restarts; the others are sent once. `url` gives the address of the platform that runs now.
 */
export async function runClient(options: {
  readonly client: number;
  readonly clients: number;
  readonly dice: Dice;
  readonly url: () => string | undefined;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { client, dice, url, ledger, signal } = options;
  const batches = createBatches(dice, options);
  for (let number = 0; !signal.aborted; number++) {
    const batch = batches.next();
    ledger.refusedIds.push(...batch.refusedIds);
    const key = dice.roll(2) === 0 ? `client-${client}-${number}` : undefined;
    const outcome = await send(batch, { key, url, ledger, signal });
    (outcome === "answered" ? ledger.accepted : ledger.unknown).push(...batch.valid);
    // Bursts and pauses; without these a long run would hold millions of records to compare.
    if (dice.roll(3) > 0) await sleep(dice.roll(120));
  }
}

interface SendOptions {
  readonly key: string | undefined;
  readonly url: () => string | undefined;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

/** A batch with a key is never given up: the next platform gets it again, also when no new batches are wanted any more. */
async function send(batch: Batch, { key, url, ledger, signal }: SendOptions): Promise<"answered" | "unanswered"> {
  for (let attempt = 0; ; attempt++) {
    const target = url();
    if (target === undefined) {
      if (key === undefined && signal.aborted) return "unanswered";
      await sleep(10);
      continue;
    }
    if (attempt > 0) ledger.repeated++;
    try {
      const response = await fetch(`${target}/v1/datasets/${datasetName}/records`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson", ...(key === undefined ? {} : { "idempotency-key": key }) },
        body: `${batch.lines.join("\n")}\n`,
      });
      const body = await response.text();
      if (response.status === 200 || response.status === 422) {
        checkAnswer(batch, JSON.parse(body) as Answer);
        return "answered";
      }
      // 503: the platform is closing or has no room; 409: the first try of this key still runs.
      assert.ok([503, 409].includes(response.status), `${response.status}: ${body}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
    if (key === undefined) return "unanswered";
    await sleep(20);
  }
}

interface Answer {
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: readonly { readonly index: number }[];
}

function checkAnswer(batch: Batch, { accepted, quarantined, refused }: Answer): void {
  assert.deepEqual(
    { accepted, quarantined, refused: refused.map(({ index }) => index) },
    { accepted: batch.valid.length, quarantined: 0, refused: batch.invalid },
    "the answer names other records than were invalid",
  );
}
