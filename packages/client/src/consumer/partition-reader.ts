import { BackOff, pause } from "../back-off.ts";
import { ClientError, type OnProblem } from "../client-error.ts";
import { isPassing, retryAfterMs, toFailure, type Connection } from "../connection.ts";
import { linesOf } from "../ndjson.ts";
import { parsePlace, recordsPath } from "./place.ts";
import type { ConsumedRecord, UnreadableRecord } from "./received.ts";

export interface PartitionReaderOptions {
  readonly connection: Connection;
  readonly url: string;
  readonly dataset: string;
  readonly topicId: string;
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: number;
  readonly follow: boolean;
  readonly batchRecordsMax: number;
  /** A followed log that is silent for so long is asked for anew: a connection may be dead without anybody having been told. */
  readonly silentMs: number;
  readonly backOff: BackOff;
  readonly onUnreadable: ((record: UnreadableRecord) => void) | undefined;
  /** All was read of a dataset that is closed: where it ends. */
  readonly onEnd: (end: number) => void;
  readonly onProblem: OnProblem;
  readonly signal: AbortSignal;
}

/**
 * The records of one partition from an offset on, in order, each once: after a failure that may pass the next request begins behind the last record.
 * Ends at the end of the log unless it follows, and at the end of a dataset that is closed. Reads no faster than it is asked. An abort rejects with the signal's reason.
 */
export async function* readPartition<Value>(options: PartitionReaderOptions): AsyncGenerator<readonly ConsumedRecord<Value>[]> {
  const { onProblem, backOff, signal, follow } = options;
  let next = options.offset;
  for (;;) {
    try {
      let end: number | undefined;
      for await (const records of readOnce<Value>({ ...options, offset: next, onClosed: (at) => (end = at) })) {
        backOff.reset();
        for (let start = 0; start < records.length; start += options.batchRecordsMax) {
          const part = records.slice(start, start + options.batchRecordsMax);
          next = (part.at(-1)?.offset ?? next) + 1;
          const readable = part.filter((record) => isReadable(record, options));
          if (readable.length > 0) yield readable;
        }
      }
      if (end !== undefined) options.onEnd(end);
      if (!follow || end !== undefined) return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof ClientError) || !isPassing(error)) throw error;
      const retryInMs = backOff.next({ atLeastMs: retryAfterMs(error) });
      onProblem(error, { retryInMs });
      await pause(retryInMs, { signal });
    }
  }
}

type Line<Value> = Omit<ConsumedRecord<Value>, "dataset"> & { readonly error?: UnreadableRecord["error"] };

async function* readOnce<Value>(
  options: PartitionReaderOptions & { /** All was read of a dataset that is closed. */ readonly onClosed: (end: number) => void },
): AsyncGenerator<readonly (Line<Value> & { readonly dataset: string })[]> {
  const { connection, url, dataset, partition, offset, follow, silentMs } = options;
  const silent = new AbortController();
  const within = AbortSignal.any([options.signal, silent.signal]);
  const path = recordsPath(dataset, { partition: String(partition), from: String(offset), ...(follow ? { follow: "true" } : {}) });
  const { headers, body } = await connection.open({ path, signal: within });
  const { topicId, closed } = parsePlace(headers, dataset);
  checkTopic(topicId, options);
  const tooLong = (): ClientError => new ClientError("client.answer", `A line of the answer from offset ${offset} on has no end.`, { dataset, partition });
  try {
    for await (const lines of linesOf(heard(body, { silentMs, onSilent: () => silent.abort() }), { tooLong }))
      yield lines.map((line) => ({ dataset, ...(JSON.parse(line) as Line<Value>) }));
    // An answer that was all there is read to its end.
    options.signal.throwIfAborted();
    if (closed !== undefined) options.onClosed(closed.ends.get(partition) ?? 0);
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    // Of a log that is only quiet nothing was lost: it is asked again, and nobody need know.
    if (silent.signal.aborted) return;
    throw error instanceof ClientError ? error : toFailure(error, { base: url, signal: options.signal });
  }
}

/** The stream, with a watch on how long it has been silent; time in which nobody reads does not count. */
async function* heard(
  body: AsyncIterable<Uint8Array>,
  { silentMs, onSilent }: { readonly silentMs: number; readonly onSilent: () => void },
): AsyncGenerator<Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(onSilent, silentMs);
      const { done, value } = await parts.next().finally(() => clearTimeout(timer));
      if (done === true) return;
      yield value;
    }
  } finally {
    // Also of a loop that is left early: the connection ends.
    await parts.return?.().catch(() => undefined);
  }
}

function checkTopic(topicId: string, { dataset, topicId: expected }: PartitionReaderOptions): void {
  if (topicId !== expected)
    throw new ClientError("log.topicReplaced", `The topic of ${dataset} was deleted and made again: its offsets are other positions now.`, {
      dataset,
      topicId,
    });
}

function isReadable<Value>(record: Line<Value> & { readonly dataset: string }, { onUnreadable }: PartitionReaderOptions): boolean {
  const { error, ...place } = record;
  if (error === undefined) return true;
  const { dataset, partition, offset, timestamp, key } = place;
  if (onUnreadable === undefined)
    throw new ClientError("client.unreadable", `${dataset}, partition ${partition}, offset ${offset}: ${error.message}`, { dataset, partition, offset, error });
  onUnreadable({ dataset, partition, offset, timestamp, key, error });
  return false;
}
