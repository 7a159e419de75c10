import { createHash } from "node:crypto";
import { compileDecoder, compileRecordEncoder, compileToJson, wireHeaderBytes, wireSchemaId, type Contract, type FieldError } from "@mainstem/contract";
import { datasetClosed, type Ingest } from "../ingest/index.ts";
import type { Log, Waits } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import { factsOf, MainstemError, toErrorValue } from "../runtime/errors.ts";
import { readOriginals, readWaiting, settle, type WaitingEntry } from "./entries.ts";
import { compileTransform, formatTransformed, parseExact, parseForTransform, type Transform } from "./transform.ts";

/** How many retries are under way at once: they share the log's group commits. */
const parallelMax = 64;
/** How many samples a preview shows of each kind. */
const samplesMax = 5;
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

/** What is tried on entries: nothing (the contract may have changed), an expression (`compileTransform`), or, to look only, another contract. */
export interface Fix {
  readonly transform?: string;
  readonly contract?: Contract;
}

export interface Attempt {
  readonly id: string;
  /** The record as it would be sent; absent where nothing could be made of the original. */
  readonly record?: unknown;
  readonly code?: string;
  readonly errors?: readonly FieldError[];
}
export interface Outcome {
  readonly selected: number;
  /** Preview: records that would be accepted. Retry: records that were, and have left the inbox. */
  readonly accepted: number;
  /** They stay in the inbox. */
  readonly refused: number;
  readonly samples: readonly Attempt[];
  /** Reasons by code and path, the most frequent first. */
  readonly reasons: readonly Reason[];
}
export interface Reason {
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  /** What was there instead, in the first record of this reason; all that is known where nothing is `expected`. */
  readonly received: string;
  readonly count: number;
}

/**
 * The records of a dataset that nobody could process, until they are retried or dropped.
 *
 * Retry: an entry is sent through the door under an idempotency key of its own and then settled, so that a repeat after a crash adds nothing within
 * the time that keys are remembered (a day).
 * Durability: what `retry` and `drop` tell is in the log when they resolve. Cancellation: entries that were not reached stay.
 * Closed datasets: `preview` and `retry` are `ingest.datasetClosed`.
 * Errors: `registry.datasetUnknown`, `inbox.entryUnknown`, `inbox.transformInvalid`, `inbox.corrupt`, those of ingest and log.
 */
export interface Inbox {
  groups(dataset: string, options?: Waits): Promise<{ readonly groups: readonly InboxGroup[]; readonly entries: number; readonly more: boolean }>;
  entries(dataset: string, options: { readonly selection: Selection; readonly limit: number } & Waits): Promise<readonly WaitingEntry[]>;
  /** One entry with its original bytes, and the JSON of the record where there is one. */
  show(dataset: string, id: string, options?: Waits): Promise<{ readonly entry: WaitingEntry; readonly original: Buffer | null; readonly record?: unknown }>;
  preview(dataset: string, options: { readonly selection: Selection; readonly fix: Fix } & Waits): Promise<Outcome>;
  retry(dataset: string, options: { readonly selection: Selection; readonly transform?: string } & Waits): Promise<Outcome>;
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
    const dataset = await this.#options.registry.require(name);
    const entries = await this.#select(dataset, { id }, signal);
    for await (const { entry, original } of readOriginals(this.#options.log, dataset.topics.inbox, { entries, signal })) {
      const read = await this.#read(entry, original);
      return { entry, original, ...(read.kind === "record" ? { record: read.record } : {}) };
    }
    throw unknownEntry(dataset, id);
  }

  async preview(name: string, { selection, fix, signal }: { readonly selection: Selection; readonly fix: Fix } & Waits) {
    const dataset = await this.#requireOpen(name);
    const entries = await this.#select(dataset, selection, signal);
    const transform = fix.transform === undefined ? undefined : compileTransform(fix.transform);
    const encoder = compileRecordEncoder(fix.contract ?? dataset.contract, { now: () => this.#options.env.now() });
    const tally = new Tally(entries.length);
    for await (const { entry, original } of readOriginals(this.#options.log, dataset.topics.inbox, { entries, signal })) {
      const made = await this.#make(entry, original, transform);
      if (made.kind === "failed") tally.add(made.attempt);
      else {
        const record = parseExact(made.json);
        const judged = encoder.encode(record);
        tally.add({ id: entry.id, record, ...(judged.kind === "valid" ? {} : { code: "record.invalid", errors: judged.errors }) });
      }
    }
    return tally.outcome();
  }

  async retry(name: string, { selection, transform: expression, signal }: { readonly selection: Selection; readonly transform?: string } & Waits) {
    const { log } = this.#options;
    const dataset = await this.#requireOpen(name);
    const entries = await this.#select(dataset, selection, signal);
    const transform = expression === undefined ? undefined : compileTransform(expression);
    const tally = new Tally(entries.length);
    let together: Promise<Attempt>[] = [];
    const finish = async (): Promise<void> => {
      const attempts = await Promise.all(together);
      together = [];
      const ids = attempts.filter(({ code }) => code === undefined).map(({ id }) => id);
      await settle(log, dataset.topics.inbox, { ids, settlement: { kind: "retried" }, time: this.#now() });
      for (const attempt of attempts) tally.add(attempt);
    };
    for await (const { entry, original } of readOriginals(log, dataset.topics.inbox, { entries, signal })) {
      signal?.throwIfAborted();
      const made = await this.#make(entry, original, transform);
      together.push(made.kind === "failed" ? Promise.resolve(made.attempt) : this.#send(name, entry, made.json));
      if (together.length >= parallelMax) await finish();
    }
    await finish();
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

  async #select(dataset: Dataset, selection: Selection, signal: AbortSignal | undefined): Promise<readonly WaitingEntry[]> {
    const { entries } = await readWaiting(this.#options.log, dataset.topics.inbox, { signal });
    if ("all" in selection) return entries;
    const selected = entries.filter(({ id, group }) => ("id" in selection ? id === selection.id : group === selection.group));
    if (selected.length === 0) throw unknownEntry(dataset, "id" in selection ? selection.id : selection.group);
    return selected;
  }

  /** One record through the door, under a key of its own. */
  async #send(dataset: string, entry: WaitingEntry, json: string): Promise<Attempt> {
    const { ingest } = this.#options;
    const body = (async function* () {
      yield Buffer.from(json);
    })();
    const request = { dataset, format: "json", encoding: "identity", body, invalid: "refuse", atomic: false } as const;
    try {
      const { refused } = await ingest.accept({ ...request, idempotencyKey: `mainstem-inbox:${digestOf(entry.id)}` });
      const [fault] = refused;
      return { id: entry.id, ...(fault === undefined ? {} : { record: parseExact(json), code: fault.code, errors: fault.errors }) };
    } catch (error) {
      // An earlier retry, with another transform, was accepted, and a crash came before its entry was settled.
      if (factsOf(error).code === "ingest.keyReused") return { id: entry.id };
      throw error;
    }
  }

  async #make(entry: WaitingEntry, original: Buffer | null, transform: Transform | undefined): Promise<Made> {
    const read = await this.#read(entry, original);
    if (read.kind === "failed") return read;
    if (transform === undefined) return { kind: "made", json: formatTransformed(read.record) };
    try {
      return { kind: "made", json: formatTransformed(transform(read.record)) };
    } catch (error) {
      return failed(entry, error);
    }
  }

  /** The original as a value: JSON from the door, a record of the log from a task. */
  async #read(entry: WaitingEntry, original: Buffer | null): Promise<{ readonly kind: "record"; readonly record: unknown } | Failed> {
    try {
      if (entry.cutFrom !== undefined)
        throw new MainstemError("inbox.cut", `Only the beginning of ${entry.cutFrom} bytes was kept: send the record again from where it came.`);
      if (original === null) throw new MainstemError("inbox.unreadable", "The record has no value.");
      if (entry.from === "door") return { kind: "record", record: parseForTransform(new TextDecoder("utf-8", { fatal: true }).decode(original)) };
      return { kind: "record", record: await this.#decode(original) };
    } catch (error) {
      return failed(entry, error);
    }
  }

  async #decode(value: Buffer): Promise<unknown> {
    const schemaId = wireSchemaId(value, 0, value.length);
    const schema = schemaId < 0 ? undefined : await this.#options.registry.schema(schemaId);
    if (schema === undefined) throw new MainstemError("inbox.unreadable", "The value does not begin with the id of a schema that there is.");
    const native = compileDecoder({ writer: schema, reader: schema })(value, wireHeaderBytes, value.length);
    return parseForTransform(formatTransformed(compileToJson(schema)(native)));
  }

  #now(): string {
    return new Date(this.#options.env.now()).toISOString();
  }
}

type Failed = { readonly kind: "failed"; readonly attempt: Attempt };
type Made = { readonly kind: "made"; readonly json: string } | Failed;

function failed({ id }: WaitingEntry, error: unknown): Failed {
  const { code, message } =
    error instanceof SyntaxError || error instanceof TypeError ? { code: "inbox.unreadable", message: error.message } : toErrorValue(error);
  return { kind: "failed", attempt: { id, code, errors: [{ path: "", expected: "", received: message }] } };
}

function unknownEntry(dataset: Dataset, what: string): MainstemError {
  return new MainstemError("inbox.entryUnknown", `Nothing of that name waits in the inbox of ${dataset.contract.name}: ${what.slice(0, 200)}`, {
    dataset: dataset.contract.name,
  });
}

/** An id may be longer than a key may. */
function digestOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

class Tally {
  readonly #selected: number;
  readonly #good: Attempt[] = [];
  readonly #bad: Attempt[] = [];
  readonly #reasons = new Map<string, Reason>();
  #accepted = 0;
  #refused = 0;

  constructor(selected: number) {
    this.#selected = selected;
  }

  add(attempt: Attempt): void {
    const { code, errors } = attempt;
    if (code === undefined) {
      this.#accepted++;
      if (this.#good.length < samplesMax) this.#good.push(attempt);
      return;
    }
    this.#refused++;
    if (this.#bad.length < samplesMax) this.#bad.push(attempt);
    const { path = "", expected = "", received = "" } = errors?.[0] ?? {};
    // Where nothing is expected, what was received says why.
    const key = JSON.stringify([code, path, expected === "" ? received : expected]);
    const known = this.#reasons.get(key);
    this.#reasons.set(key, known === undefined ? { code, path, expected, received, count: 1 } : { ...known, count: known.count + 1 });
  }

  outcome(): Outcome {
    const reasons = [...this.#reasons.values()].sort((a, b) => b.count - a.count);
    return { selected: this.#selected, accepted: this.#accepted, refused: this.#refused, samples: [...this.#good, ...this.#bad], reasons };
  }
}
