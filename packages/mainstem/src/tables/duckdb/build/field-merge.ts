import { DuckDBDataChunk, INTEGER, type DuckDBType, type DuckDBValue } from "@duckdb/node-api";
import {
  compareBytes,
  compileFieldMerge,
  compileOrderBytes,
  compilePartition,
  compileRowText,
  positionOrderBytes,
  type Contract,
  type FieldMerge,
  type MergeState,
  type NativeRecord,
} from "@mainstem/contract";
import { mergesByPosition, positionFields, reservedColumn } from "../../../iceberg/index.ts";
import type { Database } from "../database.ts";
import { list, storedOf, type TableShape } from "../shape.ts";
import type { BuildCounts } from "./build.ts";
import { fileRows, type LocalDataFile } from "./files.ts";
import type { Identity } from "./identity.ts";
import type { Partitions } from "./partitions.ts";

/** DuckDB's vector size. */
const rowsMax = 2_048;
/** The share of the memory that the rows which are merged together may take in Avro; as objects they take several times that. */
const sliceShare = 64;

export interface FieldMergeOptions {
  readonly contract: Contract;
  readonly shape: TableShape;
  readonly by: Identity;
  /** Local copies of the files that `existing` was filled from. */
  readonly files: readonly LocalDataFile[];
  readonly partitions: Partitions;
  /** What one incoming record takes in Avro. */
  readonly recordBytes: number;
  readonly memoryBytesMax: number;
}

/** Under `merge: none` every record is a row and none is touched: makes `accepted` of `incoming`, and nothing `removed`. */
export async function acceptAll(database: Database, { stored }: TableShape): Promise<BuildCounts> {
  await database.run("CREATE TABLE removed (file INTEGER, row BIGINT)");
  await database.run(`CREATE TABLE accepted AS SELECT part, src, ${list(stored)} FROM incoming`);
  await database.run("DROP TABLE incoming");
  return { inserted: await database.number("SELECT count(*) FROM accepted"), updated: 0, deleted: 0, superseded: 0, conflicts: 0, moved: 0 };
}

/**
 * Merges `incoming` and the rows of the table that have its keys (`existing`) field by field: makes `accepted`, the rows that are new or have changed,
 * and `removed`, the places of those that were there before. The contract's own merge does it, a slice of the keys at a time.
 */
export async function mergeFields(database: Database, options: FieldMergeOptions): Promise<BuildCounts> {
  const { shape, by, recordBytes, memoryBytesMax } = options;
  const names = by.join(", ");
  await database.run("CREATE TABLE removed (file INTEGER, row BIGINT)");
  await database.run(
    `CREATE TABLE accepted AS SELECT part, ${shape.stored.map(({ name, type }) => `NULL::${type} AS ${name}`).join(", ")} FROM incoming LIMIT 0`,
  );
  await database.run(`CREATE TABLE grouped AS SELECT src, dense_rank() OVER (ORDER BY ${names}) AS g FROM (
    SELECT src, ${names} FROM incoming UNION ALL SELECT src, ${names} FROM existing)`);
  const [[rows = 0, keys = 0] = []] = (await database.rows("SELECT count(*), max(g) FROM grouped")).map((counts) => counts.map(Number));
  const keysASlice = Math.max(1, Math.floor((keys * memoryBytesMax) / sliceShare / (rows * Math.max(1, recordBytes))));
  const counts = { inserted: 0, updated: 0, deleted: 0, superseded: 0, conflicts: 0, moved: 0 };
  const folder = new Folder(options);
  for (let from = 0; from < keys; from += keysASlice) {
    await database.run(`CREATE TABLE slice AS SELECT src, g FROM grouped WHERE g > ${from} AND g <= ${from + keysASlice}`);
    const slice = await mergeSlice(database, { ...options, folder });
    await append(database, "accepted", { types: [INTEGER, ...shape.stored.map(({ column }) => column.type)], rows: slice.accepted });
    for (let start = 0; start < slice.removed.length; start += rowsMax) {
      await database.run(`INSERT INTO removed SELECT file, row FROM existing WHERE src IN (${slice.removed.slice(start, start + rowsMax).join(", ")})`);
    }
    for (const name of ["inserted", "updated", "conflicts", "moved"] as const) counts[name] += slice[name];
    await database.run("DROP TABLE slice");
  }
  const readable = await database.number("SELECT count(*) FROM incoming");
  await database.run("DROP TABLE incoming; DROP TABLE existing; DROP TABLE grouped");
  return { ...counts, superseded: readable - counts.inserted - counts.updated };
}

interface Slice {
  readonly accepted: DuckDBValue[][];
  /** Their `src`. */
  readonly removed: bigint[];
  inserted: number;
  updated: number;
  conflicts: number;
  moved: number;
}

async function mergeSlice(database: Database, { shape, files, partitions, folder }: FieldMergeOptions & { readonly folder: Folder }): Promise<Slice> {
  const place = "file, row";
  const existing = `SELECT e.src, e.part, ${list(shape.stored, "f")} FROM (${files.length === 0 ? "" : fileRows(files, shape.stored)}) f
    JOIN (SELECT src, part, ${place} FROM existing SEMI JOIN slice USING (src)) e ON f.file = e.file AND f.row = e.row`;
  const result = await database.connection.stream(`SELECT g, src, part, ${list(shape.stored)} FROM (
    SELECT src, part, ${storedOf(shape)} FROM incoming SEMI JOIN slice USING (src)${files.length === 0 ? "" : ` UNION ALL ${existing}`})
    JOIN slice USING (src) ORDER BY g, src`);
  const slice: Slice = { accepted: [], removed: [], inserted: 0, updated: 0, conflicts: 0, moved: 0 };
  let group: bigint | undefined;
  let members: Member[] = [];
  const close = (): void => {
    if (members.length === 0) return;
    const old = members.filter(({ src }) => src < 0n);
    const { record, memory: remembered, conflicts } = folder.fold(members);
    slice.conflicts += conflicts;
    const [only] = old;
    if (only !== undefined && old.length === 1 && folder.isSame(only, { record, memory: remembered })) return;
    const part = partitions.number(folder.partition(record));
    if (only === undefined) slice.inserted += 1;
    else slice.updated += 1;
    if (old.some((one) => one.part !== part)) slice.moved += 1;
    slice.removed.push(...old.map(({ src }) => src));
    const native: NativeRecord = { ...record, [reservedColumn]: remembered };
    slice.accepted.push([part, ...shape.stored.map(({ field, column }) => column.toDuckdb(native[field.name]))]);
  };
  for await (const rows of result.yieldRows()) {
    for (const [g, src, part, ...values] of rows) {
      if (g !== group) {
        close();
        members = [];
        group = g as bigint;
      }
      const native = Object.fromEntries(shape.stored.map(({ field, column }, index) => [field.name, column.toNative(values[index] ?? null)]));
      const { [reservedColumn]: remembered = null, ...record } = native;
      members.push({ src: src as bigint, part: part as number, record, memory: remembered as Memory | null });
    }
  }
  close();
  return slice;
}

/** What a table keeps beside a row: the order bytes by field, and the numbers of a position. */
type Memory = Readonly<Record<string, Uint8Array | number | null>>;

/** A record of the build (`src` from 0), whose memory is its position or nothing, or a row of the table. */
interface Member {
  readonly src: bigint;
  readonly part: number;
  readonly record: NativeRecord;
  readonly memory: Memory | null;
}

interface Folded {
  readonly record: NativeRecord;
  readonly memory: Memory;
}

class Folder {
  readonly partition: ReturnType<typeof compilePartition>;
  readonly #merge: FieldMerge;
  readonly #order: (member: Member) => Uint8Array;
  /** What is remembered of the row as a whole. */
  readonly #position: readonly string[];
  /** By field, the name that the table remembers its order under. */
  readonly #remembered: ReadonlyMap<string, string>;
  readonly #text: (native: NativeRecord) => string;

  constructor({ contract, shape }: FieldMergeOptions) {
    this.partition = compilePartition(contract);
    this.#merge = compileFieldMerge(contract);
    const byPosition = mergesByPosition(contract);
    const ofFields = byPosition ? undefined : compileOrderBytes(contract);
    this.#order = ofFields === undefined ? positionBytes : ({ record }) => ofFields(record);
    this.#position = byPosition ? positionFields : [];
    this.#text = compileRowText(contract);
    const names = namesWithin(shape).slice(this.#position.length);
    this.#remembered = new Map(this.#merge.remembered.map((name, index) => [name, names[index]!]));
  }

  /** `conflicts`: the different contents beyond one among the build's records of the greatest order. */
  fold(members: readonly Member[]): Folded & { readonly conflicts: number } {
    let state: MergeState | undefined;
    let best: Uint8Array | undefined;
    let last: Memory | null = null;
    let tied: NativeRecord[] = [];
    for (const member of members) {
      const { src, record, memory } = member;
      const order = this.#order(member);
      const own = this.#merge.of(record, order);
      const one = memory === null || src >= 0n ? own : this.#withMemory(own, memory);
      state = state === undefined ? one : this.#merge.merge(state, one);
      const difference = best === undefined ? 1 : compareBytes(order, best);
      if (difference > 0) [best, last, tied] = [order, memory, []];
      if (difference >= 0 && src >= 0n) tied.push(record);
    }
    const final = state!;
    const memory = Object.fromEntries([
      ...this.#position.map((name) => [name, last?.[name] ?? 0] as const),
      ...[...this.#remembered].map(([field, name]) => [name, final[field]?.order ?? null] as const),
    ]);
    const conflicts = tied.length < 2 ? 0 : new Set(tied.map(this.#text)).size - 1;
    return { record: this.#merge.row(final), memory, conflicts };
  }

  isSame(row: Member, { record, memory }: Folded): boolean {
    return (
      this.#text(row.record) === this.#text(record) &&
      [...this.#position, ...this.#remembered.values()].every((name) => isEqual(row.memory?.[name], memory[name]))
    );
  }

  /** The state of a row: what it remembers is the order of another record than that which gave it its latest values. */
  #withMemory(own: MergeState, memory: Memory): MergeState {
    const remembered = [...this.#remembered].map(([field, name]) => {
      const order = memory[name];
      return [field, { value: own[field]?.value, ...(order instanceof Uint8Array ? { order } : {}) }];
    });
    return { ...own, ...(Object.fromEntries(remembered) as MergeState) };
  }
}

/** The names of what a table remembers beside its rows; none where it has no such column. */
function namesWithin({ columns, stored }: TableShape): readonly string[] {
  const type = stored[columns.length]?.iceberg.type;
  return typeof type === "object" && type.type === "struct" ? type.fields.map(({ name }) => name) : [];
}

/** A row that another program wrote, without a position, is older than any record. */
function positionBytes({ memory }: Member): Uint8Array {
  const [generation, offset] = positionFields.map((name) => Number(memory?.[name] ?? 0)) as [number, number];
  return positionOrderBytes({ generation, partition: 0, offset });
}

function isEqual(a: Memory[string] | undefined, b: Memory[string] | undefined): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? compareBytes(a, b) === 0 : (a ?? null) === (b ?? null);
}

async function append(
  database: Database,
  table: string,
  { types, rows }: { readonly types: readonly DuckDBType[]; readonly rows: readonly DuckDBValue[][] },
): Promise<void> {
  if (rows.length === 0) return;
  const appender = await database.connection.createAppender(table);
  for (let start = 0; start < rows.length; start += rowsMax) {
    const part = rows.slice(start, start + rowsMax);
    const chunk = DuckDBDataChunk.create(types, part.length);
    chunk.setRows(part);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}
