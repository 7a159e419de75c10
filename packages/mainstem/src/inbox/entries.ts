import { createHash } from "node:crypto";
import type { FieldError } from "@mainstem/contract";
import { inboxHeader } from "../ingest/index.ts";
import { RecordBatchBuilder, RecordCursor, type Log, type Offset, type Partition, type RecordHeader, type TopicInfo, type Waits } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";

/** The header of a record that ends an entry (docs/formats/inbox.md). */
export const settledHeader = "mainstem-inbox-settled";
const readBytesMax = 1_048_576;
/** What an inbox may hold in memory as an index: ids, causes, no values. */
export const waitingMax = 200_000;

export type Settlement = { readonly kind: "retried" } | { readonly kind: "dropped"; readonly reason: string };

/** An entry that waits, without its original. */
export interface WaitingEntry {
  readonly id: string;
  readonly offset: Offset;
  readonly from: string;
  readonly code: string;
  readonly errors: readonly FieldError[];
  readonly contractVersion: number;
  /** RFC 3339. */
  readonly time: string;
  /** The whole original's length, where only its beginning was kept. */
  readonly cutFrom?: number;
  readonly origin?: { readonly topicId: string; readonly partition: number; readonly offset: number };
  /** Entries with one cause have one group. */
  readonly group: string;
}

/** The entries that wait, oldest first, with `ids` only those of them; `more` beyond those that an index may hold. */
export async function readWaiting(
  log: Log,
  inbox: TopicInfo,
  { ids, signal }: { readonly ids?: ReadonlySet<string> } & Waits = {},
): Promise<{ readonly entries: readonly WaitingEntry[]; readonly more: boolean }> {
  const waiting = new Map<string, WaitingEntry>();
  let more = false;
  for await (const { offset, key, headers } of recordsOf(log, inbox, { signal })) {
    const id = Buffer.from(key ?? []).toString();
    if (ids?.has(id) === false) continue;
    if (headers.some((header) => header.key === settledHeader)) waiting.delete(id);
    // A repeat of an entry that waits adds nothing.
    else if (!waiting.has(id)) {
      const entry = parseEntry({ id, offset, headers });
      if (waiting.size < waitingMax) waiting.set(id, entry);
      else more = true;
    }
  }
  return { entries: [...waiting.values()], more };
}

/** The originals of entries, in the order of their offsets. Entries have to be ordered so, too. */
export async function* readOriginals(
  log: Log,
  inbox: TopicInfo,
  { entries, signal }: { readonly entries: readonly WaitingEntry[] } & Waits,
): AsyncGenerator<{ readonly entry: WaitingEntry; readonly original: Buffer | null }> {
  const wanted = new Map(entries.map((entry) => [entry.offset, entry]));
  const [first] = entries;
  if (first === undefined) return;
  for await (const { offset, value } of recordsOf(log, inbox, { from: first.offset, signal })) {
    const entry = wanted.get(offset);
    if (entry === undefined) continue;
    yield { entry, original: value === null ? null : Buffer.from(value) };
    wanted.delete(offset);
    if (wanted.size === 0) return;
  }
}

/** Ends entries. Durable when resolved. */
export async function settle(
  log: Log,
  inbox: TopicInfo,
  { ids, settlement, time, signal }: { readonly ids: readonly string[]; readonly settlement: Settlement; readonly time: string } & Waits,
): Promise<void> {
  if (ids.length === 0) return;
  const builder = new RecordBatchBuilder();
  for (const id of ids) {
    const header = { key: settledHeader, value: Buffer.from(JSON.stringify({ formatVersion: 1, id, ...settlement, time })) };
    builder.add({ key: Buffer.from(id), value: null, headers: [header] });
  }
  await log.append({ topic: inbox.name, topicId: inbox.id, partition: 0 as Partition }, builder.finish(), { signal });
}

interface InboxRecord {
  readonly offset: Offset;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

async function* recordsOf(log: Log, inbox: TopicInfo, { from, signal }: { readonly from?: Offset } & Waits): AsyncGenerator<InboxRecord> {
  const of = { topic: inbox.name, topicId: inbox.id, partition: 0 as Partition };
  const start = from ?? (await log.bounds(of)).first;
  for await (const batch of log.read({ ...of, offset: start }, { until: "end", batchBytesMax: readBytesMax, signal })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) if (cursor.offset >= start) yield { offset: cursor.offset, key: cursor.key(), value: cursor.value(), headers: cursor.headers() };
  }
}

function parseEntry({ id, offset, headers }: { readonly id: string; readonly offset: Offset; readonly headers: readonly RecordHeader[] }): WaitingEntry {
  const text = headers.find(({ key }) => key === inboxHeader)?.value;
  let cause: Partial<WaitingEntry> = {};
  try {
    cause = JSON.parse(Buffer.from(text ?? []).toString()) as Partial<WaitingEntry>;
  } catch (error) {
    throw new MainstemError("inbox.corrupt", `The entry at offset ${offset} of the inbox does not say why it is there.`, { offset }, { cause: error });
  }
  const { from = "", code = "", errors = [], contractVersion = 0, time = "", cutFrom, origin } = cause;
  const [error] = errors;
  const group = createHash("sha256")
    .update(JSON.stringify([from, code, error?.path ?? "", error?.expected ?? ""]))
    .digest("hex")
    .slice(0, 12);
  const optional = { ...(cutFrom === undefined ? {} : { cutFrom }), ...(origin === undefined ? {} : { origin }) };
  return { id, offset, from, code, errors, contractVersion, time, group, ...optional };
}
