import { createHash } from "node:crypto";
import { compileRecordEncoder, parseExact, type Contract, type FieldError } from "@mainstem/contract";
import { datasetClosed, type Ingest } from "../ingest/index.ts";
import type { Log, Waits } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import { factsOf, MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { readOriginals, readWaiting, settle, type WaitingEntry } from "./entries.ts";
import { keepRecord, mendRecord, readRecord, type Made } from "./originals.ts";
import { Tally, type Attempt, type Outcome } from "./tally.ts";
import { compileTransform, parseForTransform } from "./transform.ts";

/** How many retries are under way at once: they share the log's group commits. */
const parallelMax = 64;
const reasonCharactersMax = 1_000;

/** Entries that have one cause. */
export interface InboxGroup {
  readonly group: string;
  readonly from: string;
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  readonly count: number;
  /** RFC 3339: of the first and the last entry. */
  readonly first: string;
  readonly last: string;
  /** The id of one of them. */
  readonly example: string;
}

/** Which entries: one, those of a group, or all. */
export type Selection = { readonly id: string } | { readonly group: string } | { readonly all: true };

/** A record that goes through the door in place of an entry's original. */
export interface MendedRecord {
  readonly id: string;
  /** Whole numbers beyond 2^53 are bigints. */
  readonly record: unknown;
}

/**
 * What is sent: of selected entries what an expression makes of each (`compileTransform`), without one the original as it came (the contract may have
 * changed since); or records that were mended elsewhere, no two of them for one entry. Whole numbers beyond 2^53 that a fix gives go as text, the form
 * in which a contract takes longs and decimals; as numbers where it has a float or double.
 */
export type Fix = { readonly selection: Selection; readonly transform?: string } | { readonly records: readonly MendedRecord[] };

/** An entry with its original as JSON on one line, whole numbers as they came; or why there is no record in it. */
export type RefusedRecord = { readonly entry: WaitingEntry } & (
  | { readonly kind: "record"; readonly json: string }
  | { readonly kind: "failed"; readonly code: string; readonly errors: readonly FieldError[] }
);

/**
 * The records of a dataset that nobody could process, until they are retried or dropped.
 *
 * Retry: an entry is sent through the door under an idempotency key of its own and then settled, so that a repeat after a crash adds nothing within
 * the time that keys are remembered (a day), whatever fix it comes with. A mended record whose entry no longer waits is refused by itself.
 * Durability: what `retry` and `drop` tell is in the log when they resolve. Cancellation: entries that were not reached stay.
 * Closed datasets: `preview` and `retry` are `ingest.datasetClosed`.
 * Errors: `registry.datasetUnknown`, `inbox.entryUnknown`, `inbox.transformInvalid`, `inbox.corrupt`, those of ingest and log.
 */
export interface Inbox {
  groups(dataset: string, options?: Waits): Promise<{ readonly groups: readonly InboxGroup[]; readonly entries: number; readonly more: boolean }>;
  entries(dataset: string, options: { readonly selection: Selection; readonly limit: number } & Waits): Promise<readonly WaitingEntry[]>;
  /** One entry with its original bytes, and the JSON of the record where there is one. */
  show(dataset: string, id: string, options?: Waits): Promise<{ readonly entry: WaitingEntry; readonly original: Buffer | null; readonly record?: unknown }>;
  /** The selected entries with their records, the oldest first; with `after` only those beyond that offset, of which there may be none. */
  records(dataset: string, options: { readonly selection: Selection; readonly after?: number } & Waits): AsyncIterable<RefusedRecord>;
  /** Judges what a fix makes, by another contract if one is given. */
  preview(dataset: string, options: Fix & { readonly contract?: Contract } & Waits): Promise<Outcome>;
  retry(dataset: string, options: Fix & Waits): Promise<Outcome>;
  drop(dataset: string, options: { readonly selection: Selection; readonly reason: string } & Waits): Promise<{ readonly dropped: number }>;
}

export interface InboxOptions {
  readonly log: Log;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly env: Env;
}

export function createInbox(options: InboxOptions): Inbox {
  return new DatasetInbox(options);
}

class DatasetInbox implements Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  async groups(name: string, waits: Waits = {}) {
    const { topics } = await this.#options.registry.require(name);
    const { entries, more } = await readWaiting(this.#options.log, topics.inbox, waits);
    const groups = [...Map.groupBy(entries, ({ group }) => group)].map(([group, members]): InboxGroup => {
      const [first] = members as [WaitingEntry];
      const { path = "", expected = "" } = first.errors[0] ?? {};
      const last = members.at(-1) ?? first;
      return { group, from: first.from, code: first.code, path, expected, count: members.length, first: first.time, last: last.time, example: last.id };
    });
    return { groups: groups.sort((a, b) => b.count - a.count), entries: entries.length, more };
  }

  async entries(name: string, { selection, limit, signal }: { readonly selection: Selection; readonly limit: number } & Waits) {
    return (await this.#select(await this.#options.registry.require(name), selection, signal)).slice(0, limit);
  }

  async show(name: string, id: string, { signal }: Waits = {}) {
    const { log, registry } = this.#options;
    const dataset = await registry.require(name);
    const entries = await this.#select(dataset, { id }, signal);
    for await (const { entry, original } of readOriginals(log, dataset.topics.inbox, { entries, signal })) {
      const read = await readRecord(registry, { entry, original }, parseExact);
      return { entry, original, ...(read.kind === "record" ? { record: read.record } : {}) };
    }
    throw unknownEntry(dataset, id);
  }

  async *records(
    name: string,
    { selection, after, signal }: { readonly selection: Selection; readonly after?: number } & Waits,
  ): AsyncGenerator<RefusedRecord> {
    const { log, registry } = this.#options;
    const dataset = await registry.require(name);
    const entries = await this.#select(dataset, selection, signal, after);
    for await (const { entry, original } of readOriginals(log, dataset.topics.inbox, { entries, signal })) {
      const read = await readRecord(registry, { entry, original }, parseExact);
      const made = read.kind === "failed" ? read : keepRecord(entry.id, read.record);
      if (made.kind === "made") yield { entry, kind: "record", json: made.json };
      else yield { entry, kind: "failed", code: made.attempt.code, errors: made.attempt.errors ?? [] };
    }
  }

  async preview(name: string, options: Fix & { readonly contract?: Contract } & Waits) {
    const dataset = await this.#requireOpen(name);
    const contract = options.contract ?? dataset.contract;
    const encoder = compileRecordEncoder(contract, { now: () => this.#options.env.now() });
    const tally = new Tally();
    for await (const made of this.#make(dataset, options, { contract, signal: options.signal })) {
      if (made.kind === "failed") tally.add(made.attempt);
      else {
        // As the door reads it: for whole numbers that JSON.parse rounds it asks for text.
        const judged = encoder.encode(JSON.parse(made.json));
        tally.add({ id: made.id, record: parseExact(made.json), ...(judged.kind === "valid" ? {} : { code: "record.invalid", errors: judged.errors }) });
      }
    }
    return tally.outcome();
  }

  async retry(name: string, options: Fix & Waits) {
    const { signal } = options;
    const dataset = await this.#requireOpen(name);
    const tally = new Tally();
    let together: Promise<Attempt>[] = [];
    const finish = async (): Promise<void> => {
      const outcomes = await Promise.allSettled(together);
      together = [];
      const attempts = outcomes.filter((one) => one.status === "fulfilled").map(({ value }) => value);
      const ids = attempts.filter(({ code }) => code === undefined).map(({ id }) => id);
      await settle(this.#options.log, dataset.topics.inbox, { ids, settlement: { kind: "retried" }, time: this.#now() });
      for (const attempt of attempts) tally.add(attempt);
      const failed = outcomes.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    };
    try {
      for await (const made of this.#make(dataset, options, { contract: dataset.contract, signal })) {
        signal?.throwIfAborted();
        const attempt = made.kind === "failed" ? Promise.resolve(made.attempt) : this.#send(name, made);
        // Told by `finish`: until then nobody waits for it.
        attempt.catch(() => undefined);
        together.push(attempt);
        if (together.length >= parallelMax) await finish();
      }
    } finally {
      // Whatever ends it: what is in the log and still waited would come a second time with a retry after the day for which keys are remembered.
      await finish();
    }
    return tally.outcome();
  }

  async drop(name: string, { selection, reason, signal }: { readonly selection: Selection; readonly reason: string } & Waits) {
    const dataset = await this.#options.registry.require(name);
    if (reason.trim() === "" || reason.length > reasonCharactersMax)
      throw new MainstemError("inbox.reasonMissing", `Say why the entries are dropped, in up to ${reasonCharactersMax} characters: the reason is kept.`);
    const entries = await this.#select(dataset, selection, signal);
    for (let start = 0; start < entries.length; start += parallelMax) {
      const ids = entries.slice(start, start + parallelMax).map(({ id }) => id);
      await settle(this.#options.log, dataset.topics.inbox, { ids, settlement: { kind: "dropped", reason }, time: this.#now(), signal });
    }
    return { dropped: entries.length };
  }

  /** What waits for a dataset that is closed can be looked at and dropped; its door takes nothing. */
  async #requireOpen(name: string): Promise<Dataset> {
    const dataset = await this.#options.registry.require(name);
    if (dataset.closed !== undefined) throw datasetClosed(dataset);
    return dataset;
  }

  async #select(dataset: Dataset, selection: Selection, signal: AbortSignal | undefined, after?: number): Promise<readonly WaitingEntry[]> {
    const ids = "id" in selection ? { ids: new Set([selection.id]) } : {};
    const { entries } = await readWaiting(this.#options.log, dataset.topics.inbox, { ...ids, signal });
    const selected = "group" in selection ? entries.filter(({ group }) => group === selection.group) : entries;
    if (after !== undefined) return selected.filter(({ offset }) => offset > after);
    if (selected.length === 0 && !("all" in selection)) throw unknownEntry(dataset, "id" in selection ? selection.id : selection.group);
    return selected;
  }

  /** What is to be sent for each entry, in the form that the contract takes. Expressions and selections that are wrong throw before the first. */
  async *#make(
    dataset: Dataset,
    fix: Fix,
    { contract: { schema }, signal }: { readonly contract: Contract; readonly signal: AbortSignal | undefined },
  ): AsyncGenerator<Made> {
    const { log, registry } = this.#options;
    const { inbox } = dataset.topics;
    if ("records" in fix) {
      const { entries } = await readWaiting(log, inbox, { ids: new Set(fix.records.map(({ id }) => id)), signal });
      const waiting = new Set(entries.map(({ id }) => id));
      for (const { id, record } of fix.records) yield waiting.has(id) ? sendable(mendRecord(id, () => record, schema)) : notWaiting(id);
      return;
    }
    const entries = await this.#select(dataset, fix.selection, signal);
    const transform = fix.transform === undefined ? undefined : compileTransform(fix.transform);
    for await (const one of readOriginals(log, inbox, { entries, signal })) {
      const read = await readRecord(registry, one, transform === undefined ? parseExact : parseForTransform);
      if (read.kind === "failed") yield read;
      else yield sendable(transform === undefined ? keepRecord(one.entry.id, read.record) : mendRecord(one.entry.id, () => transform(read.record), schema));
    }
  }

  /** One record through the door, under a key of its own. */
  async #send(dataset: string, { id, json }: { readonly id: string; readonly json: string }): Promise<Attempt> {
    const { ingest } = this.#options;
    const body = (async function* () {
      yield Buffer.from(json);
    })();
    // As a line: a JSON document that is a list would be many records, or none.
    const request = { dataset, format: "ndjson", encoding: "identity", body, invalid: "refuse", atomic: false } as const;
    try {
      const { accepted, refused } = await ingest.accept({ ...request, idempotencyKey: `mainstem-inbox:${digestOf(id)}` });
      if (accepted > 0) return { id };
      // Faults that are larger than an answer may be are not named there.
      const [{ code, errors } = { code: "record.invalid", errors: [] }] = refused;
      return { id, record: parseExact(json), code, errors };
    } catch (error) {
      const { code } = factsOf(error);
      // An earlier retry, with another fix, was accepted, and a crash came before its entry was settled.
      if (code === "ingest.keyReused") return { id };
      if (code === "ingest.keyBusy") return { id, code, errors: [{ path: "", expected: "", received: "another retry sends it at this moment" }] };
      throw error;
    }
  }

  #now(): string {
    return new Date(this.#options.env.now()).toISOString();
  }
}

function unknownEntry(dataset: Dataset, what: string): MainstemError {
  return new MainstemError("inbox.entryUnknown", `Nothing of that name waits in the inbox of ${dataset.contract.name}: ${what.slice(0, 200)}`, {
    dataset: dataset.contract.name,
  });
}

/** What the door would refuse unread stays here, where a preview sees it too. */
function sendable(made: Made): Made {
  const bytes = made.kind === "made" ? Buffer.byteLength(made.json) : 0;
  if (made.kind === "failed" || bytes <= limits.recordBytesMax) return made;
  const errors = [{ path: "", expected: `at most ${limits.recordBytesMax} bytes`, received: `${bytes} bytes` }];
  return { kind: "failed", attempt: { id: made.id, code: "record.tooLarge", errors } };
}

/** The same sentence for all of them: they are one reason. */
function notWaiting(id: string): Made {
  return { kind: "failed", attempt: { id, code: "inbox.entryUnknown", errors: [{ path: "", expected: "", received: "no such entry waits" }] } };
}

/** An id may be longer than a key may. */
function digestOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}
