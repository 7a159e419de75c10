import { ClientError } from "../client-error.ts";
import type { Connection } from "../connection.ts";

/** Where to read from: the first record that is still there, behind the last one, an offset, or an RFC 3339 time of append. */
export type Place = "start" | "end" | number | { readonly time: string | Date };

/** One dataset's topic at the time of asking. */
export interface ResolvedPlace {
  readonly topicId: string;
  /** The next offset to read, by partition. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Only of a dataset that is closed. */
  readonly closed?: Closed;
}

export interface Closed {
  readonly successor: string;
  /** By partition, the first offset that will never be there. */
  readonly ends: ReadonlyMap<number, number>;
}

export interface Of {
  readonly connection: Connection;
  readonly dataset: string;
  readonly signal: AbortSignal;
}

export function recordsPath(dataset: string, query: Readonly<Record<string, string>>): string {
  return `/v1/datasets/${encodeURIComponent(dataset)}/records?${new URLSearchParams(query).toString()}`;
}

/** The offsets that a place means now: one request, without records. */
export async function readPlace(place: Place, { connection, dataset, signal }: Of): Promise<ResolvedPlace> {
  const { headers, body } = await connection.open({ path: recordsPath(dataset, { from: fromText(place), limit: "0" }), signal });
  // There is none.
  for await (const _ of body) break;
  return parsePlace(headers, dataset);
}

/** What the server says of the records that it is about to give. */
export function parsePlace(headers: Headers, dataset: string): ResolvedPlace {
  const topicId = headers.get("mainstem-topic-id");
  const text = headers.get("mainstem-offsets");
  if (topicId === null || text === null)
    throw new ClientError("client.answer", `The answer about ${dataset} does not name its topic: is the server older than this package?`, { dataset });
  const offsets = toOffsets(JSON.parse(text));
  const ends = headers.get("mainstem-ends");
  return ends === null
    ? { topicId, offsets }
    : { topicId, offsets, closed: { successor: headers.get("mainstem-successor") ?? "", ends: toOffsets(JSON.parse(ends)) } };
}

/** The dataset that a dataset continues. */
export async function readPredecessor({ connection, dataset, signal }: Of): Promise<string | undefined> {
  const { body } = await connection.call({ path: `/v1/datasets/${encodeURIComponent(dataset)}`, signal });
  return (body as { readonly predecessor?: { readonly name: string } | null }).predecessor?.name;
}

/** What the group committed, as far as it did. */
export async function readCommitted(group: string, { connection, dataset, signal }: Of): Promise<ResolvedPlace> {
  const { body } = await connection.call({ path: groupPath(group, dataset), signal });
  const { topicId, offsets } = body as { readonly topicId: string; readonly offsets: unknown };
  return { topicId, offsets: toOffsets(offsets) };
}

export async function writeCommitted(group: string, { topicId, offsets }: ResolvedPlace, { connection, dataset, signal }: Of): Promise<void> {
  await connection.call({
    method: "PUT",
    path: groupPath(group, dataset),
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ topicId, offsets: Object.fromEntries(offsets) }),
    signal,
  });
}

function groupPath(group: string, dataset: string): string {
  return `/v1/groups/${encodeURIComponent(group)}/offsets/${encodeURIComponent(dataset)}`;
}

function fromText(place: Place): string {
  if (typeof place !== "object") return String(place);
  return place.time instanceof Date ? place.time.toISOString() : place.time;
}

function toOffsets(offsets: unknown): ReadonlyMap<number, number> {
  return new Map(Object.entries(offsets as Record<string, number>).map(([partition, offset]) => [Number(partition), offset]));
}
