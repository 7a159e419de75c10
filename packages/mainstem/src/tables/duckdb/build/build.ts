import { partitionKind, type Contract, type PartitionKind } from "@mainstem/contract";
import type { IcebergSchema, PartitionScalar } from "../../../iceberg/index.ts";
import { openDatabase, type Database } from "../database.ts";
import { shapeOf, storedOf, type TableShape } from "../shape.ts";
import { createDefaults, fileRows, lacksDefault, type ExistingFile, type KnownFile, type LocalDataFile } from "./files.ts";
import { acceptAll, mergeFields } from "./field-merge.ts";
import { loadChunks, type Generations, type Loaded, type LocalChunk } from "./load.ts";
import { equal, identityOf, type Identity } from "./identity.ts";
import { candidateFiles, findExisting } from "./lookup.ts";
import { Partitions } from "./partitions.ts";
import { findTombstones, settleTombstones, writeTombstones, type TombstoneInput, type WrittenTombstones } from "./tombstones.ts";
import { createPool, findWinners } from "./winners.ts";
import { filesToRewrite, writeFiles, type FileSizes, type WrittenFile } from "./write.ts";

/** With more partitions than this, the rows are sorted by partition first, so that each is found without reading all. */
const unsortedPartitionsMax = 16;

export interface BuildInput {
  readonly contract: Contract;
  readonly schema: IcebergSchema;
  readonly chunks: readonly LocalChunk[];
  readonly generations: Generations;
  /** Every live file of the table, in the order in which the caller counts them. */
  readonly existing: readonly KnownFile[];
  readonly tombstones: TombstoneInput;
  readonly memoryBytesMax: number;
  readonly threads: number;
  readonly sizes: FileSizes;
  /** An empty folder of this build, for spilling and for the new files. */
  readonly directory: string;
}

export interface BuildCounts {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly superseded: number;
  readonly conflicts: number;
  readonly moved: number;
}

export interface BuildOutput {
  readonly written: readonly (Omit<WrittenFile, "part"> & { readonly partition: readonly PartitionScalar[] })[];
  readonly tombstones: WrittenTombstones | undefined;
  readonly counts: BuildCounts;
}

/**
 * One build on local files, in steps between which the caller fetches the files that the step asked for:
 * `load` (chunks), `compare` (files that can hold the keys), `write` (files to write anew).
 * docs/decisions/011-tables-are-built-by-rewriting-files.md tells why it is done in this way.
 */
export class Build implements AsyncDisposable {
  readonly #input: BuildInput;
  readonly #database: Database;
  readonly #shape: TableShape;
  readonly #by: Identity;
  readonly #partitions = new Partitions();
  readonly #existing: readonly ExistingFile[];
  #loaded: Loaded | undefined;
  #counts: BuildCounts | undefined;

  private constructor(input: BuildInput, database: Database) {
    this.#input = input;
    this.#database = database;
    this.#shape = shapeOf(input.contract, input.schema);
    this.#by = identityOf(this.#shape, { withPartition: this.#partitionKind === "immutable" });
    this.#existing = input.existing.map(({ partition, ...file }, index) => ({ ...file, index, part: this.#partitions.number(partition) }));
  }

  static async open(input: BuildInput): Promise<Build> {
    return new Build(input, await openDatabase(input));
  }

  /** Reads the chunks. Returns the places, among the existing files, of those that can hold one of the keys. */
  async load({ signal }: { readonly signal: AbortSignal }): Promise<Loaded & { readonly candidates: readonly number[] }> {
    const { contract, chunks, generations } = this.#input;
    return await this.#database.during(signal, "reading chunks", async () => {
      await createDefaults(this.#database, this.#shape);
      this.#loaded = await loadChunks(this.#database, { contract, shape: this.#shape, chunks, generations, partitions: this.#partitions, signal });
      if (contract.merge.kind === "none") return { ...this.#loaded, candidates: [] };
      const onlyOwnPartition = this.#partitionKind !== "movable";
      const candidates = await candidateFiles(this.#database, { shape: this.#shape, files: this.#existing, onlyOwnPartition });
      return { ...this.#loaded, candidates: candidates.map(({ index }) => index) };
    });
  }

  /** Decides the winners. Takes local copies of the candidates; returns the places of the files that have to be written anew. */
  async compare(paths: ReadonlyMap<number, string>, { signal }: { readonly signal: AbortSignal }): Promise<readonly number[]> {
    const database = this.#database;
    const { contract } = this.#input;
    return await this.#database.during(signal, "comparing keys", async () => {
      const files = this.#local(paths);
      if (contract.merge.kind === "none") this.#counts = await acceptAll(database, this.#shape);
      else if (contract.merge.kind === "fields") this.#counts = await this.#mergeFields(files);
      else this.#counts = await this.#choose(files);
      const forced = this.#existing.filter((file) => lacksDefault(file, this.#shape));
      return (await filesToRewrite(database, { files: this.#existing, forced, smallBytes: this.#input.sizes.smallBytes })).map(({ index }) => index);
    });
  }

  /** Writes the new files. Takes local copies of the files to write anew. */
  async write(paths: ReadonlyMap<number, string>, { signal }: { readonly signal: AbortSignal }): Promise<BuildOutput> {
    const { directory, memoryBytesMax, sizes, tombstones } = this.#input;
    return await this.#database.during(signal, "writing files", async () => {
      const written = await writeFiles(this.#database, {
        shape: this.#shape,
        rewritten: this.#local(paths),
        directory,
        recordBytes: this.#recordBytes,
        targetBytes: sizes.targetBytes,
        memoryBytesMax,
      });
      const options = { shape: this.#shape, tombstones, directory, sizes };
      const buried = this.#shape.dead === undefined ? undefined : await writeTombstones(this.#database, options);
      return {
        counts: this.#counts!,
        tombstones: buried,
        written: written.map(({ part, ...file }) => ({ ...file, partition: this.#partitions.values[part]! })),
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }

  /** Under `latest` and `first`: one record or row is the row. */
  async #choose(files: readonly LocalDataFile[]): Promise<BuildCounts> {
    const database = this.#database;
    const { contract, memoryBytesMax, tombstones } = this.#input;
    await findExisting(database, { shape: this.#shape, by: this.#by, files });
    if (this.#shape.dead !== undefined) await findTombstones(database, { shape: this.#shape, by: this.#by, tombstones });
    await createPool(database, this.#shape);
    const existingRows = files.length === 0 ? undefined : existingRowsOf(files, this.#shape);
    const comparison = { contract, shape: this.#shape, by: this.#by, existingRows, recordBytes: this.#recordBytes, memoryBytesMax };
    return await this.#settle(await findWinners(database, comparison));
  }

  async #mergeFields(files: readonly LocalDataFile[]): Promise<BuildCounts> {
    const { contract, memoryBytesMax } = this.#input;
    await findExisting(this.#database, { shape: this.#shape, by: this.#by, files });
    const options = { contract, shape: this.#shape, by: this.#by, files, partitions: this.#partitions, recordBytes: this.#recordBytes, memoryBytesMax };
    return await mergeFields(this.#database, options);
  }

  /** Makes `accepted` (the incoming rows that are in the table afterwards) and `removed` (the places of rows that are not any more). */
  async #settle(conflicts: number): Promise<BuildCounts> {
    const database = this.#database;
    const same = equal("w", "e", this.#by);
    await database.run(
      `CREATE TABLE removed AS SELECT e.file, e.row, e.part, w.src AS successor, w.dead FROM existing e JOIN winner w ON ${same} WHERE e.src <> w.src`,
    );
    const readable = await database.number("SELECT count(*) FROM incoming");
    await this.#accept(readable);
    const buried = this.#shape.dead === undefined ? 0 : await settleTombstones(database, this.#shape);
    const counted = await database.rows(`SELECT
      (SELECT count(*) FROM accepted),
      (SELECT count(DISTINCT successor) FROM removed WHERE successor >= 0 AND NOT dead),
      (SELECT count(DISTINCT r.successor) FROM removed r JOIN accepted a ON r.successor = a.src WHERE r.part <> a.part),
      (SELECT count(*) FROM removed WHERE dead)`);
    const [accepted = 0, updated = 0, moved = 0, deleted = 0] = (counted[0] ?? []).map(Number);
    await database.run("DROP VIEW IF EXISTS pool; DROP TABLE IF EXISTS incoming; DROP TABLE existing; DROP TABLE winner");
    return { inserted: accepted - updated, updated, deleted, superseded: readable - accepted - buried, conflicts, moved };
  }

  /** Makes `accepted` of `incoming`: where most records are accepted as they are, it is what is left of it, which is a fraction of the work of a copy. */
  async #accept(readable: number): Promise<void> {
    const database = this.#database;
    const { columns, stored, dead } = this.#shape;
    const parts = await database.number("SELECT count(DISTINCT part) FROM incoming");
    const accepted = await database.number("SELECT count(*) FROM winner WHERE src >= 0 AND NOT dead");
    const isSorted = parts > unsortedPartitionsMax;
    const asTheyAre = stored.length === columns.length && dead === undefined && !isSorted;
    if (asTheyAre && accepted * 2 >= readable) {
      if (accepted < readable) await database.run("DELETE FROM incoming i WHERE NOT EXISTS (FROM winner w WHERE w.src = i.src)");
      await database.run("DROP VIEW pool; ALTER TABLE incoming RENAME TO accepted");
      return;
    }
    await database.run(`CREATE TABLE accepted AS SELECT part, src, ${storedOf(this.#shape)} FROM incoming
      SEMI JOIN (SELECT src FROM winner WHERE NOT dead) USING (src) ${isSorted ? "ORDER BY part" : ""}`);
  }

  /** A delete without a value does not say in which partition its row is, so the row is looked for in all of them. */
  get #partitionKind(): PartitionKind {
    const kind = partitionKind(this.#input.contract);
    return kind === "immutable" && this.#shape.takesValueless ? "movable" : kind;
  }

  /** What one record of the chunks takes in Avro. */
  get #recordBytes(): number {
    return this.#loaded === undefined || this.#loaded.records === 0 ? 0 : this.#loaded.bytes / this.#loaded.records;
  }

  #local(paths: ReadonlyMap<number, string>): readonly LocalDataFile[] {
    return [...paths].map(([index, path]) => ({ ...this.#existing[index]!, path }));
  }
}

function existingRowsOf(files: readonly LocalDataFile[], shape: TableShape): string {
  return `SELECT e.src, e.part, ${shape.columns.map(({ name }) => `f.${name}`).join(", ")}
    FROM (${fileRows(files, shape.columns)}) f JOIN (SELECT src, file, row, part FROM existing SEMI JOIN slice USING (src)) e ON f.file = e.file AND f.row = e.row`;
}
