import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { durationMs, takesDeletes } from "@mainstem/contract";
import { dataFileFromStats, privateFieldIds, type DataFile } from "../../iceberg/index.ts";
import { parseObjectKey, type LocalFile, type ObjectKey, type ObjectStore } from "../../objects/index.ts";
import { assert } from "../../runtime/assert.ts";
import { randomId, systemEnv, type Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { makeDirectory } from "../../runtime/files.ts";
import { silentLogger, type Logger } from "../../runtime/logger.ts";
import { moduleBeside, openWorkerThread, type WorkerThread } from "../../runtime/workers.ts";
import type { BuildJob, BuiltFiles, TableEngine, TombstoneFile, Waits } from "../engine.ts";
import type { BuildOutput } from "./build/build.ts";
import { toKnownFiles } from "./build/files.ts";
import type { BuildJobs } from "./build/worker.ts";
import { fileSizes, type FileSizes } from "./build/write.ts";
import { hashFile } from "./hash-file.ts";

export interface DuckdbTableEngineOptions {
  readonly objects: ObjectStore;
  /** For spilling and for files on their way into the store. The engine owns it: what lies in it at opening is deleted. */
  readonly directory: string;
  readonly env?: Env;
  readonly logger?: Logger;
  /** DuckDB's threads for one build; by default one core is left to others: the door must stay quick. */
  readonly threads?: number;
  /** Sizes of data files; `fileSizes` by default. */
  readonly sizes?: FileSizes;
}

/** How many of a build's files are fetched or stored at once. */
const transfersMax = 8;
/** Files whose checksum this process has seen to be right; beyond this many the oldest are forgotten. */
const verifiedMax = 100_000;

/**
 * Builds tables with DuckDB in a thread of its own. Builds run one after another: each may use all the memory that it is given, and all cores.
 *
 * Data files are named `<uuid>-<SHA-256, first 32 hex digits>.parquet`; a file so named is checked once in a process, before its rows are used.
 * Errors: `archive.corrupt`, `table.corrupt`, `table.failed`, `objects.*`, `worker.failed`, `resource.closed`.
 */
export async function openDuckdbTableEngine(options: DuckdbTableEngineOptions): Promise<TableEngine> {
  await rm(options.directory, { recursive: true, force: true });
  await makeDirectory(options.directory);
  return new DuckdbTableEngine(options);
}

class DuckdbTableEngine implements TableEngine {
  readonly #objects: ObjectStore;
  readonly #directory: string;
  readonly #env: Env;
  readonly #logger: Logger;
  readonly #threads: number;
  readonly #sizes: FileSizes;
  readonly #worker: WorkerThread<BuildJobs>;
  readonly #verified = new Set<ObjectKey>();
  readonly #closing = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();
  readonly #saidWhySlow = new Set<string>();
  #nextBuild = 1;

  constructor(options: DuckdbTableEngineOptions) {
    const { objects, directory, env = systemEnv, logger = silentLogger, threads = Math.max(1, availableParallelism() - 1), sizes = fileSizes } = options;
    this.#objects = objects;
    this.#directory = directory;
    this.#env = env;
    this.#logger = logger;
    this.#threads = threads;
    this.#sizes = sizes;
    this.#worker = openWorkerThread<BuildJobs>(moduleBeside("./build/worker.ts", import.meta.url));
  }

  build(job: BuildJob, { signal }: Waits = {}): Promise<BuiltFiles> {
    const until = signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    const built = this.#turn.then(async () => {
      until.throwIfAborted();
      return await this.#build(job, until);
    });
    this.#turn = built.catch(() => undefined);
    return built;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new MainstemError("resource.closed", "The table engine is closed."));
    await this.#turn;
    await this.#worker[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #build(job: BuildJob, signal: AbortSignal): Promise<BuiltFiles> {
    const build = this.#nextBuild++;
    const foreign = job.existing.find(({ specId }) => specId !== job.partition["spec-id"]);
    if (foreign !== undefined) {
      throw new MainstemError("table.unsupported", `The data file ${foreign.key} is partitioned in another way than the table is now.`, { key: foreign.key });
    }
    const directory = join(this.#directory, randomId(this.#env));
    await makeDirectory(directory);
    await using local = new LocalFiles(this.#objects, signal);
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    cleanup.defer(() => this.#worker.run("close", { build }));
    const started = this.#env.monotonic();
    const chunks = await inParallel(withBytes(job.chunks), async (ref) => ({ ref, path: await local.fetch(ref.entry.path as ObjectKey) }));
    const { contract, schema, existing, generations, memoryBytesMax } = job;
    const key = schema.fields.filter(({ name }) => contract.key.includes(name)).map(({ id }) => id);
    const remembered = chunks.length === 0 ? [] : freshTombstones(job);
    const tombstones = {
      files: await inParallel(remembered, async (file) => ({ path: await this.#fetch(file, { local, signal }), records: file.records, bytes: file.bytes })),
      now: job.tombstones.now,
      oldest: oldestTombstone(job),
    };
    const sizes = { threads: this.#threads, sizes: this.#sizes };
    const input = { contract, schema, generations, existing: toKnownFiles(existing, key), tombstones, memoryBytesMax, chunks, directory, ...sizes };
    await this.#worker.run("open", { build, job: input }, { signal });
    const fetchFiles = (indexes: readonly number[]): Promise<ReadonlyMap<number, string>> => this.#fetchFiles(existing, indexes, { local, signal });
    const loaded = await this.#worker.run("load", { build }, { signal });
    this.#sayWhySlow(contract.name, loaded.slowBecause);
    const rewritten = await this.#worker.run("compare", { build, paths: await fetchFiles(loaded.candidates) }, { signal });
    const output = await this.#worker.run("write", { build, paths: await fetchFiles(rewritten) }, { signal });
    const { added, buried } = await this.#store(job, output, signal);
    const ms = Math.round(this.#env.monotonic() - started);
    this.#logger.debug("table built", {
      dataset: contract.name,
      records: loaded.records,
      looked: loaded.candidates.length,
      rewritten: rewritten.length,
      added: added.length,
      ms,
    });
    const replaced = new Set(output.tombstones?.replaced.map((index) => remembered[index]!.key));
    return {
      added,
      tombstones: {
        added: buried,
        removed: job.tombstones.existing.filter((file) => replaced.has(file.key) || !remembered.includes(file)).map(({ key: gone }) => gone),
      },
      removed: rewritten.map((index) => existing[index]!.key),
      counts: { records: loaded.records, ...output.counts },
      unreadable: loaded.unreadable,
    };
  }

  /** Each reason once: mostly it is the machine's, not the dataset's. */
  #sayWhySlow(dataset: string, reasons: readonly string[]): void {
    for (const reason of reasons) {
      if (this.#saidWhySlow.has(reason)) continue;
      this.#saidWhySlow.add(reason);
      this.#logger.warn("records are loaded on a way that is several times slower", { dataset, reason });
    }
  }

  async #fetchFiles(
    existing: readonly DataFile[],
    indexes: readonly number[],
    { local, signal }: { readonly local: LocalFiles; readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<number, string>> {
    const fetched = await inParallel(indexes, async (index) => {
      return [index, await this.#fetch(existing[index]!, { local, signal })] as const;
    });
    return new Map(fetched);
  }

  async #fetch(
    { key, bytes }: { readonly key: ObjectKey; readonly bytes: number },
    { local, signal }: { readonly local: LocalFiles; readonly signal: AbortSignal },
  ): Promise<string> {
    const path = await local.fetch(key);
    await this.#verify({ key, path, bytes }, signal);
    return path;
  }

  /** Checks a file against the checksum in its name, unless this process has done so already: objects do not change. */
  async #verify({ key, path, bytes }: { readonly key: ObjectKey; readonly path: string; readonly bytes: number }, signal: AbortSignal): Promise<void> {
    const expected = /-([0-9a-f]{32})\.parquet$/.exec(key)?.[1];
    if (expected === undefined || this.#verified.has(key)) return;
    signal.throwIfAborted();
    const found = await hashFile(path);
    if (found.sha256.slice(0, 32) !== expected || found.bytes !== bytes) {
      throw new MainstemError("table.corrupt", `The file ${key} is damaged: its bytes are not those that were written.`, { key });
    }
    this.#verified.add(key);
    const [oldest] = this.#verified;
    if (this.#verified.size > verifiedMax && oldest !== undefined) this.#verified.delete(oldest);
  }

  /** Puts the new files into the store; when one fails, deletes those that are there. */
  async #store(
    job: BuildJob,
    { written, tombstones }: BuildOutput,
    signal: AbortSignal,
  ): Promise<{ readonly added: readonly DataFile[]; readonly buried: readonly TombstoneFile[] }> {
    const stored: ObjectKey[] = [];
    const put = async ({ path, sha256 }: { readonly path: string; readonly sha256: string }, into: string): Promise<ObjectKey> => {
      const key = parseObjectKey(`${into}/${this.#uuid()}-${sha256.slice(0, 32)}.parquet`);
      stored.push(key);
      const outcome = await this.#objects.putFile(key, path, { ifAbsent: true, signal });
      assert(outcome.kind === "stored", "the name of a new file is random");
      this.#verified.add(key);
      return key;
    };
    const withoutBounds = privateFieldIds(job.contract, job.schema);
    const file = { schema: job.schema, specId: job.partition["spec-id"], sortOrderId: job.sortOrderId, withoutBounds };
    try {
      const added = await inParallel(written, async (one) => {
        const key = await put(one, job.into);
        const { partition, records, bytes, columns } = one;
        return dataFileFromStats({ ...file, key, partition, records, bytes, columns });
      });
      const buried = await inParallel(tombstones === undefined ? [] : [tombstones], async (one) => {
        const key = await put(one, job.tombstones.into);
        return { key, records: one.records, bytes: one.bytes, builtAt: job.tombstones.now };
      });
      return { added, buried };
    } catch (error) {
      await this.#objects.delete(stored).catch(() => undefined);
      throw error;
    }
  }

  #uuid(): string {
    const hex = Buffer.from(this.#env.random(16)).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}

/** Files of deletes that are not all beyond the horizon. */
function freshTombstones(job: BuildJob): readonly TombstoneFile[] {
  return !takesDeletes(job.contract) ? [] : job.tombstones.existing.filter(({ builtAt }) => builtAt >= oldestTombstone(job));
}

function oldestTombstone({ contract, tombstones }: BuildJob): number {
  const { horizon } = contract.deletes ?? {};
  return horizon === undefined ? Number.MIN_SAFE_INTEGER : tombstones.judgedAt - durationMs(horizon);
}

/** Chunks that have records. */
function withBytes(chunks: BuildJob["chunks"]): BuildJob["chunks"] {
  return chunks.filter(({ entry }) => entry.path !== undefined);
}

/** Local copies that stay until the build has ended. */
class LocalFiles implements AsyncDisposable {
  readonly #objects: ObjectStore;
  readonly #signal: AbortSignal;
  readonly #files = new Map<ObjectKey, Promise<LocalFile>>();

  constructor(objects: ObjectStore, signal: AbortSignal) {
    this.#objects = objects;
    this.#signal = signal;
  }

  async fetch(key: ObjectKey): Promise<string> {
    const file = this.#files.get(key) ?? this.#objects.local(key, { signal: this.#signal });
    this.#files.set(key, file);
    return (await file).path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of await Promise.allSettled(this.#files.values())) {
      if (file.status === "fulfilled") await file.value[Symbol.asyncDispose]();
    }
  }
}

/** Does some work for each item, a few at a time; the results in the order of the items. Every started work has ended when it returns or throws. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const runner = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const index = next++;
      try {
        results[index] = await work(items[index]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const runners = await Promise.allSettled(Array.from({ length: Math.min(transfersMax, items.length) }, runner));
  for (const one of runners) if (one.status === "rejected") throw one.reason;
  return results;
}
