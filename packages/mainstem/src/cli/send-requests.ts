import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { path } from "./client.ts";
import type { Context } from "./context.ts";
import { CliFailure } from "./failure.ts";
import { openPatience } from "./patience.ts";
import { createProgress } from "./progress.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { Receipt, RefusalCounter } from "./refusals.ts";
import { formatBytes, formatCount } from "./text-table.ts";

const attemptsMax = 6;
const retryable: ReadonlySet<string> = new Set([
  "cli.noServer",
  "cli.connection",
  "ingest.overloaded",
  "ingest.keyBusy",
  "log.full",
  "log.writeFailed",
  "server.closing",
]);

/** What became of the records so far; it is written while they are sent, so that it can be told whatever ends it. */
export interface Tally {
  accepted: number;
  quarantined: number;
  /** Records of a request that went out and was never answered: they may be stored, or not. Undefined where they cannot be counted. */
  unanswered: number | undefined;
  readonly refused: RefusalCounter;
}

export interface SendJob {
  readonly name: string;
  readonly invalid: "refuse" | "inbox";
  readonly bytesTotal: number | undefined;
  readonly tally: Tally;
}

/** Sends batches one after the other, each under an idempotency key of its own, so that repeating one can add nothing twice. */
export async function sendBatches(context: Context, job: SendJob, batches: AsyncIterable<RecordBatch>): Promise<void> {
  const { name, invalid, bytesTotal: total, tally } = job;
  const progress = createProgress(context, { label: name, format: formatBytes });
  const run = randomUUID();
  let done = 0;
  let requests = 0;
  progress.update({ done, total });
  for await (const batch of batches) {
    const receipt = await post(context, {
      path: path`/v1/datasets/${name}/records`,
      query: invalid === "inbox" ? { invalid } : {},
      headers: { "content-type": "application/x-ndjson", "idempotency-key": `${run}-${requests}` },
      body: batch.bytes,
      first: requests++ === 0,
      onUncertain: () => (tally.unanswered = batch.records),
    });
    tally.unanswered = 0;
    add(tally, receipt, batch.placeOf);
    done += batch.sourceBytes;
    progress.update({ done, total, note: `${formatCount(tally.accepted)} accepted, ${formatCount(tally.refused.tally().total)} refused` });
    context.signal.throwIfAborted();
  }
  // Ctrl-C may have ended the program that writes into our pipe: its end is no end then.
  context.signal.throwIfAborted();
}

/** One request for one JSON document: the server reads it as it comes, so it cannot be repeated. */
export async function sendWhole(
  context: Context,
  { name, invalid, tally }: SendJob,
  { file, source }: { readonly file: string; readonly source: AsyncIterable<Buffer> },
): Promise<void> {
  const call = {
    method: "POST" as const,
    path: path`/v1/datasets/${name}/records`,
    query: invalid === "inbox" ? { invalid } : {},
    headers: { "content-type": "application/json" },
    body: Readable.from(source),
    accept: [422],
    signal: context.signal,
  };
  try {
    add(tally, toReceipt((await context.client.call(call)).body), (index) => index);
  } catch (error) {
    if (mayBeStored(error)) tally.unanswered = undefined;
    if (!(error instanceof CliFailure && error.code === "ingest.tooLarge")) throw error;
    const remedy = `An array goes as a whole; as NDJSON it may be of any length: jq -c '.[]' ${file === "-" ? "FILE" : file} | mainstem send ${name}`;
    throw new CliFailure(error.code, error.message, { remedy, cause: error });
  }
}

function add(tally: Tally, receipt: Receipt, placeOf: (index: number) => number): void {
  tally.accepted += receipt.accepted;
  tally.quarantined += receipt.quarantined;
  tally.refused.addAll(receipt, { placeOf });
}

interface Post {
  readonly path: string;
  readonly query: { readonly invalid?: "inbox" };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Nothing was sent before it. */
  readonly first: boolean;
  /** Called where nobody knows whether the records are stored: until a repeat is answered. */
  readonly onUncertain: () => void;
}

/** Repeats a request that may have been lost; its idempotency key makes that safe. */
async function post(context: Context, { first, onUncertain, ...request }: Post): Promise<Receipt> {
  for (let attempt = 1; ; attempt++) {
    using patience = openPatience(context.signal);
    try {
      const { body } = await context.client.call({ method: "POST", ...request, accept: [422], signal: patience.signal });
      return toReceipt(body);
    } catch (error) {
      if (mayBeStored(error)) onUncertain();
      const repeatable = error instanceof CliFailure && retryable.has(error.code);
      // When nothing was sent yet a missing server is a mistake, not a disturbance.
      if (!repeatable || attempt >= attemptsMax || (attempt === 1 && first && error.code === "cli.noServer")) throw error;
      context.terminal.progress(`${error.message} Trying again (${attempt} of ${attemptsMax - 1}) …`);
      await sleep(250 * 2 ** attempt, undefined, { signal: context.signal });
    }
  }
}

/** Whether records of a request that failed so may be in the log all the same. */
function mayBeStored(error: unknown): boolean {
  return !(error instanceof CliFailure) || ["cli.connection", "cli.answer", "log.writeFailed", "runtime.bug"].includes(error.code);
}

/** A 422 is a receipt when there were records and none was taken, otherwise a problem. */
function toReceipt(body: unknown): Receipt {
  if (typeof body === "object" && body !== null && "accepted" in body && "refused" in body) return body as Receipt;
  const {
    code = "http.422",
    detail = "The server answered 422.",
    remedy,
  } = (body ?? {}) as { readonly code?: string; readonly detail?: string; readonly remedy?: string };
  throw new CliFailure(code, detail, { remedy });
}
