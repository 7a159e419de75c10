import { factsOf, MainstemError } from "../runtime/errors.ts";
import type { Offset, TopicPartition, Waits } from "../log/index.ts";
import type { ObjectKey, ObjectStore } from "../objects/index.ts";
import { chainEntryBytesMax, formatChainEntry, parseChainEntry } from "./chain-entry.ts";
import type { ChainEntry } from "./chunk.ts";
import { chainKey, chainPrefix, parseChainKey } from "./paths.ts";

/** How often one put of an entry is tried before its outcome is left open. */
const putTriesMax = 3;
/** How far before the hint the end of a chain is looked for at first; eight times as far at each further step. */
const lookBackOffsets = 1_024;

/**
 * The chain of a partition from the entry that begins at `from` on, in order; none when the chain ends there.
 * Entries that are put while it is read may be left out. Throws `archive.corrupt` (a damaged entry, named) and `archive.gap` (an entry is missing, or
 * `from` is no entry's start).
 */
export async function* readChain(
  objects: ObjectStore,
  options: TopicPartition & { readonly from: Offset } & Waits,
): AsyncGenerator<ChainEntry, void, undefined> {
  let expected = options.from;
  for await (const { start } of listChain(objects, options, { from: options.from, signal: options.signal })) {
    // A listing is no snapshot: an entry that was put while it ran may be left out, and its successor not. So the entry itself is asked for.
    while (expected < start) {
      const entry = await readChainEntry(objects, options, expected, options);
      if (entry === undefined || entry.next > start) throw gap(options, expected, start);
      yield entry;
      expected = entry.next;
    }
    if (start < expected) throw overlap(options, expected, start);
    const entry = await readChainEntry(objects, options, start, options);
    if (entry === undefined) throw gap(options, start, start);
    yield entry;
    expected = entry.next;
  }
}

/** The entry that begins at `start`, if there is one. Throws `archive.corrupt`, naming it, when it is damaged. */
export async function readChainEntry(objects: ObjectStore, of: TopicPartition, start: Offset, { signal }: Waits = {}): Promise<ChainEntry | undefined> {
  const key = chainKey(of, start);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of objects.read(key, { signal })) {
      parts.push(part);
      if ((bytes += part.length) > chainEntryBytesMax) break;
    }
  } catch (error) {
    if (factsOf(error).code === "objects.notFound") return undefined;
    throw error;
  }
  return parseChainEntry(Buffer.concat(parts), { of, start, key });
}

/**
 * The last entry of a chain, undefined when the chain is empty. `hint` is where it is believed to end (a committed offset): it saves listing the whole chain, and
 * may be wrong in either direction.
 */
export async function readChainEnd(
  objects: ObjectStore,
  of: TopicPartition,
  { hint = 0 as Offset, signal }: { readonly hint?: Offset } & Waits = {},
): Promise<ChainEntry | undefined> {
  for (let back = lookBackOffsets; ; back *= 8) {
    const from = Math.max(0, hint - back) as Offset;
    let last: Offset | undefined;
    for await (const { start } of listChain(objects, of, { from, signal })) last = start;
    if (last !== undefined) return await readChainEntry(objects, of, last, { signal });
    if (from === 0) return undefined;
  }
}

/**
 * Where the last entry begins that begins at an offset or before it: the one that holds the offset, unless the chain ends before. Undefined when there is none.
 */
export async function findEntryStart(objects: ObjectStore, of: TopicPartition, offset: Offset, { signal }: Waits = {}): Promise<Offset | undefined> {
  for (let back = lookBackOffsets; ; back *= 8) {
    const from = Math.max(0, offset - back) as Offset;
    let last: Offset | undefined;
    for await (const { start } of listChain(objects, of, { from, signal })) {
      if (start > offset) break;
      last = start;
    }
    if (last !== undefined || from === 0) return last;
  }
}

export type PutEntry =
  /** The entry stands in the chain, put by this call. */
  | { readonly kind: "stored" }
  /** Somebody else's entry stands in its place: its data object counts, ours never will. */
  | { readonly kind: "taken"; readonly winner: ChainEntry };

/**
 * Puts an entry in the place after its predecessor. Whoever finds the place taken reads it: its own attempt there means that an earlier put had succeeded.
 * When it throws, the outcome is open: the entry may be there, now or later, so its data object must be kept.
 */
export async function putChainEntry(objects: ObjectStore, of: TopicPartition, entry: ChainEntry): Promise<PutEntry> {
  const key = chainKey(of, entry.start);
  const body = formatChainEntry(entry);
  for (let tries = 1; ; tries++) {
    let failure: unknown;
    try {
      const put = await objects.put(key, [body], { ifAbsent: true });
      if (put.kind === "stored") return { kind: "stored" };
    } catch (error) {
      failure = error;
    }
    const there = await readChainEntry(objects, of, entry.start);
    if (there?.attempt === entry.attempt) return { kind: "stored" };
    if (there !== undefined) return { kind: "taken", winner: there };
    if (tries === putTriesMax) throw failure ?? new MainstemError("objects.failed", `Object ${key} exists, but cannot be read.`, { key });
  }
}

interface Listed {
  readonly start: Offset;
  readonly key: ObjectKey;
}

/** The starts of the entries from an offset on, in order. Keys that are no chain entry's are passed over: they are nobody's data. */
export async function* listChain(objects: ObjectStore, of: TopicPartition, { from, signal }: { readonly from: Offset } & Waits): AsyncGenerator<Listed> {
  const after = from === 0 ? undefined : chainKey(of, (from - 1) as Offset);
  for await (const { key } of objects.list(chainPrefix(of), { ...(after === undefined ? {} : { after }), signal })) {
    const start = parseChainKey(of, key);
    if (start !== undefined) yield { start, key };
  }
}

function gap(of: TopicPartition, expected: Offset, found: Offset): MainstemError {
  return new MainstemError(
    "archive.gap",
    `The chain of partition ${of.partition} of ${of.topic} has no entry that begins at offset ${expected}, although it goes on at ${found}.`,
    { ...facts(of), expected, found, key: chainKey(of, expected) },
  );
}

function overlap(of: TopicPartition, expected: Offset, found: Offset): MainstemError {
  return new MainstemError(
    "archive.gap",
    `The chain of partition ${of.partition} of ${of.topic} has an entry that begins at offset ${found}, although its predecessor reaches to ${expected}.`,
    { ...facts(of), expected, found, key: chainKey(of, found) },
  );
}

function facts({ topic, topicId, partition }: TopicPartition): Readonly<Record<string, unknown>> {
  return { topic, topicId, partition };
}
