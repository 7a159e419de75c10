import { formatExact, parseExact } from "@mainstem/contract";
import type { RefusedEntry } from "../index.ts";
import { limits } from "../runtime/limits.ts";
import { path } from "./client.ts";
import type { Context } from "./context.ts";
import { CliFailure } from "./failure.ts";
import type { Attempt, OutcomeDetail, OutcomeSum } from "./outcome.ts";
import { openPatience } from "./patience.ts";
import { createProgress } from "./progress.ts";
import { formatCount } from "./text-table.ts";
import { mendRecord, stays, type Mended, type Staying, type TransformFile } from "./transform-file.ts";

/** One request takes so many mended records of so many bytes; a larger record goes alone. */
const batchRecordsMax = 2_000;
const batchBytesMax = 500_000;

export interface MendJob {
  readonly name: string;
  readonly action: "preview" | "retry";
  /** As the API takes it. */
  readonly selection: Readonly<Record<string, string | true>>;
  readonly transform: TransformFile;
  /** The contract that a preview judges by, where it is not the one in force. */
  readonly contract: unknown;
  /** How many entries there are, where that is known. */
  readonly total: number | undefined;
  readonly tally: MendTally;
}

/** What became of the entries so far; it is written while they are sent, so that it can be told whatever ends it. */
export interface MendTally {
  readonly sum: OutcomeSum;
  /** Entries of a request that went out and was not answered. */
  unanswered: number;
}

interface EntryLine extends RefusedEntry {
  readonly offset: number;
  readonly record?: unknown;
  /** Why there is no record. */
  readonly failed?: Pick<Attempt, "code" | "errors">;
}

/**
 * Reads entries, lets the user's module mend them here, one after the other, and sends what it made in batches. No more than a batch is held in memory.
 * Aborted between batches; the one under way gets a moment to be answered.
 */
export async function mendEntries(context: Context, job: MendJob): Promise<void> {
  const { sum } = job.tally;
  const { signal } = context;
  const progress = createProgress(context, { label: job.name });
  const batch = createBatch(job.contract);
  let done = 0;
  const flush = async (): Promise<void> => {
    if (batch.records === 0) return;
    job.tally.unanswered = batch.records;
    sum.add(await post(context, job, batch.take()));
    job.tally.unanswered = 0;
    signal.throwIfAborted();
  };
  for await (const { record, failed, offset: _, ...entry } of readEntries(context, job)) {
    signal.throwIfAborted();
    const made: Mended =
      failed === undefined ? await mendRecord(job.transform, { record, entry, signal }) : { kind: "stays", attempt: { id: entry.id, ...failed } };
    const item = made.kind === "made" ? batch.itemOf(entry.id, made) : made;
    if (item.kind === "stays") sum.addStaying(item.attempt);
    else {
      if (!batch.holds(item)) await flush();
      batch.add(item);
    }
    progress.update({ done: ++done, total: job.total });
  }
  await flush();
}

/** The entries from the oldest. The server cuts off who takes nothing for long, as a slow module may: the rest is then asked for anew. */
async function* readEntries({ client, signal }: Context, { name, selection }: MendJob): AsyncGenerator<EntryLine> {
  for (let after: number | undefined; ;) {
    const before = after;
    try {
      for await (const line of client.lines({ path: path`/v1/datasets/${name}/inbox/records`, query: { ...selection, after }, signal })) {
        const entry = parseExact(line) as EntryLine;
        after = entry.offset;
        yield entry;
      }
      return;
    } catch (error) {
      if (!(error instanceof CliFailure && error.code === "cli.connection") || after === before) throw error;
    }
  }
}

async function post({ client, signal }: Context, { name, action }: MendJob, body: Buffer): Promise<OutcomeDetail> {
  using patience = openPatience(signal);
  const headers = { "content-type": "application/json" };
  const answer = await client.call({ method: "POST", path: path`/v1/datasets/${name}/inbox/${action}`, headers, body, signal: patience.signal });
  return answer.body as OutcomeDetail;
}

interface Item {
  readonly kind: "item";
  readonly text: string;
  readonly bytes: number;
}

interface Batch {
  readonly records: number;
  /** One record as an element; one that no request could hold stays. */
  itemOf(id: string, made: { readonly json: string }): Item | Staying;
  holds(item: Item): boolean;
  add(item: Item): void;
  /** The body of a request with what was added, and the batch is empty again. */
  take(): Buffer;
}

function createBatch(contract: unknown): Batch {
  const head = '{"records":[';
  const tail = contract === undefined ? "]}" : `],"contract":${formatExact(contract)}}`;
  const frameBytes = Buffer.byteLength(head + tail);
  let items: Item[] = [];
  let bytes = 0;
  return {
    get records() {
      return items.length;
    },
    itemOf(id, { json }) {
      const text = `{"id":${JSON.stringify(id)},"record":${json}}`;
      const item: Item = { kind: "item", text, bytes: Buffer.byteLength(text) + 1 };
      if (frameBytes + item.bytes <= limits.requestBytesMax) return item;
      return stays(id, "record.tooLarge", `${formatCount(item.bytes)} bytes`);
    },
    holds: (item) => items.length === 0 || (items.length < batchRecordsMax && bytes + item.bytes <= batchBytesMax),
    add(item) {
      items.push(item);
      bytes += item.bytes;
    },
    take() {
      const body = Buffer.from(`${head}${items.map(({ text }) => text).join(",")}${tail}`);
      items = [];
      bytes = 0;
      return body;
    },
  };
}
