import type { FieldError } from "@mainstem/contract";
import { type BackOff, pause } from "../back-off.ts";
import { ClientError, type OnProblem, type Refusal } from "../client-error.ts";
import { isPassing, retryAfterMs, type Connection } from "../connection.ts";
import { halve, recordsOf, type Batch, type Outcome } from "./batch.ts";

export interface TransmitOptions {
  readonly connection: Connection;
  readonly dataset: string;
  readonly backOff: BackOff;
  /** Problems that need a person, but no change of the records, are waited for: the records are safe on disk meanwhile. */
  readonly patient: boolean;
  readonly onProblem: OnProblem;
  readonly signal: AbortSignal;
}

/**
 * Sends a batch until the server has judged it: the same bytes with the same key, so that a try that got through unheard counts once.
 * Only an abort rejects.
 */
export async function transmit(batch: Batch, options: TransmitOptions): Promise<Outcome> {
  for (;;) {
    try {
      const receipt = await post(batch, options);
      options.backOff.reset();
      return toOutcome(batch, receipt);
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason;
      if (!(error instanceof ClientError)) throw error;
      if (isPassing(error) || (options.patient && awaitsPerson(error))) {
        const retryInMs = options.backOff.next({ atLeastMs: retryAfterMs(error) });
        options.onProblem(error, { retryInMs });
        await pause(retryInMs, options);
      } else if (error.facts["status"] === 413 && batch.records > 1) return transmitHalves(batch, options);
      else return refuseAll(batch, error);
    }
  }
}

/** Told at once, before anything is appended, that the body is too large. */
async function transmitHalves(batch: Batch, options: TransmitOptions): Promise<Outcome> {
  const [one, other] = halve(batch);
  const refusals = new Map((await transmit(one, options)).refusals);
  for (const [index, refusal] of (await transmit(other, options)).refusals) refusals.set(one.records + index, refusal);
  return { refusals };
}

interface Receipt {
  readonly accepted: number;
  readonly refused: readonly { readonly index: number; readonly code: string; readonly errors: readonly FieldError[] }[];
  readonly refusedMore?: number;
}

async function post({ idempotencyKey, body, records }: Batch, { connection, dataset, signal }: TransmitOptions): Promise<Receipt> {
  const { body: answer } = await connection.call({
    method: "POST",
    path: `/v1/datasets/${encodeURIComponent(dataset)}/records`,
    headers: { "content-type": "application/x-ndjson", "idempotency-key": idempotencyKey },
    body,
    accept: [422],
    signal,
  });
  const { accepted, refused, refusedMore = 0 } = answer as Partial<Receipt>;
  if (!Array.isArray(refused) || accepted === undefined || accepted + refused.length + refusedMore !== records)
    throw new ClientError("client.answer", `The answer does not account for the ${records} records of the request.`, {});
  return { accepted, refused, refusedMore };
}

function toOutcome(batch: Batch, { accepted, refused, refusedMore = 0 }: Receipt): Outcome {
  const refusals = new Map<number, Refusal>();
  if (refused.length === 0) return { refusals };
  const records = recordsOf(batch);
  for (const { index, code, errors } of refused) refusals.set(index, { record: records[index], code, errors, message: sentenceOf(code, errors) });
  if (refusedMore === 0) return { refusals };
  // Beyond what an answer may name, whether a record is among the refused cannot be known: it is given back rather than taken for accepted.
  const message = `The server refused ${refusedMore} more of the last records of this batch than it named, and accepted ${accepted} in all.`;
  for (let index = (refused.at(-1)?.index ?? -1) + 1; index < batch.records; index++)
    refusals.set(index, { record: records[index], code: "client.refused", errors: [], message });
  return { refusals };
}

function refuseAll(batch: Batch, { code, message }: ClientError): Outcome {
  return { refusals: new Map(recordsOf(batch).map((record, index) => [index, { record, code, errors: [], message }])) };
}

/** Rights, an unknown dataset, or one that is closed: nothing that is wrong with the records. */
function awaitsPerson({ code, facts }: ClientError): boolean {
  const status = facts["status"];
  return status === 401 || status === 403 || status === 404 || code === "ingest.datasetClosed";
}

function sentenceOf(code: string, errors: readonly FieldError[]): string {
  const [first] = errors;
  if (first === undefined) return `The record was refused: ${code}.`;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
  return `The record was refused (${code}): ${first.path === "" ? "" : `at ${first.path} `}expected ${first.expected}, received ${first.received}${more}.`;
}
