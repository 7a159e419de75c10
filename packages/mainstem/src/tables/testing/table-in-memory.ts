import assert from "node:assert/strict";
import { compareBytes, compileDefault, compileKeyBytes, compilePartition, type Contract, type NativeRecord } from "@mainstem/contract";
import type { ChunkRef } from "../../archive/index.ts";
import { compareBounds, encodeBound, icebergSchemaOf, newTableOf, type DataFile, type IcebergSchema } from "../../iceberg/index.ts";
import type { ObjectStore } from "../../objects/index.ts";
import { openDatabase, type Database } from "../duckdb/database.ts";
import { list, scan, shapeOf, sortKey } from "../duckdb/shape.ts";
import type { BuiltFiles, TableEngine, TombstoneFile, Waits } from "../engine.ts";
import { tombstonePrefix } from "../tombstones.ts";
import { chunkTopics } from "./chunks.ts";

/** A table without metadata: what an engine builds is what the next build finds. */
export class TableInMemory {
  contract: Contract;
  schema: IcebergSchema;
  files: readonly DataFile[] = [];
  tombstones: readonly TombstoneFile[] = [];
  readonly #objects: ObjectStore;
  #lastColumnId = 0;

  constructor(contract: Contract, objects: ObjectStore) {
    this.contract = contract;
    this.schema = newTableOf(contract).schema;
    this.#objects = objects;
  }

  /** As a build does when the fields of the contract have changed. */
  grow(contract: Contract): void {
    // Ids of columns that are gone are not given out again.
    this.#lastColumnId = Math.max(this.#lastColumnId, ...allIds(this.schema.fields));
    this.contract = contract;
    this.schema = icebergSchemaOf(contract, { schema: this.schema, lastColumnId: this.#lastColumnId });
  }

  async build(
    engine: TableEngine,
    chunks: readonly ChunkRef[],
    options: Waits & { readonly memoryBytesMax?: number; readonly now?: number; readonly judgedAt?: number } = {},
  ): Promise<BuiltFiles> {
    const { partition } = newTableOf(this.contract);
    const built = await engine.build(
      {
        contract: this.contract,
        schema: this.schema,
        partition,
        sortOrderId: 1,
        chunks,
        generations: new Map(chunkTopics.map((topicId, index) => [topicId, index + 1])),
        existing: this.files,
        into: `tables/${this.contract.name.replace(".", "/")}/data`,
        tombstones: {
          existing: this.tombstones,
          into: tombstonePrefix(this.contract.name),
          now: options.now ?? 0,
          judgedAt: options.judgedAt ?? options.now ?? 0,
        },
        memoryBytesMax: options.memoryBytesMax ?? 268_435_456,
      },
      options,
    );
    const removed = new Set(built.removed);
    for (const key of removed)
      assert.ok(
        this.files.some((file) => file.key === key),
        "a build removes files that are there",
      );
    this.files = [...this.files.filter((file) => !removed.has(file.key)), ...built.added];
    this.tombstones = [...this.tombstones.filter(({ key }) => !built.tombstones.removed.includes(key)), ...built.tombstones.added];
    return built;
  }

  /** The rows, ordered by key bytes, after checking what the manifests claim of each file: partition, order, counts and bounds. */
  async rows(): Promise<readonly NativeRecord[]> {
    await using database = await openDatabase({ memoryBytesMax: 268_435_456, threads: 1, directory: "" });
    const rows: NativeRecord[] = [];
    for (const file of this.files) rows.push(...(await this.#fileRows(database, file)));
    const key = compileKeyBytes(this.contract);
    return rows.sort((a, b) => compareBytes(key(a), key(b)));
  }

  async #fileRows(database: Database, file: DataFile): Promise<readonly NativeRecord[]> {
    const shape = shapeOf(this.contract, this.schema);
    await using local = await this.#objects.local(file.key);
    const present = shape.columns.filter(({ iceberg }) => allIds([iceberg]).some((id) => file.columnSizes.has(id)));
    for (const { field } of shape.columns.filter((column) => !present.includes(column)))
      assert.equal(field.default, null, "a column is missing only where null says as much");
    const from = scan(
      [local.path],
      present.map(({ iceberg, name, type }) => ({ id: iceberg.id, name, type })),
    );
    const found = await database.rows(`SELECT ${list(present)} FROM ${from} ORDER BY file_row_number`);
    const sort = shape.sort.filter((column) => present.includes(column));
    const stored = await database.rows(`SELECT ${list(sort) || 1} FROM ${from} ORDER BY file_row_number`);
    const sorted = await database.rows(`SELECT ${list(sort) || 1} FROM ${from} ORDER BY ${sortKey({ ...shape, sort }) || 1}`);
    assert.deepEqual(stored, sorted, "a file is sorted by what the contract says, and by key");
    assert.equal(found.length, file.records);
    assert.ok(found.length > 0, "no file is empty");
    const partitionOf = compilePartition(this.contract);
    return found.map((values) => {
      const native: NativeRecord = {};
      for (const column of shape.columns) native[column.field.name] = compileDefault(column.field)?.() ?? null;
      present.forEach((column, index) => {
        native[column.field.name] = column.column.toNative(values[index] ?? null);
        assertWithinBounds(file, { id: column.iceberg.id, type: column.iceberg.type }, native[column.field.name]);
      });
      assert.deepEqual(partitionOf(native), file.partition, "a row lies in its file's partition");
      return native;
    });
  }
}

function assertWithinBounds(file: DataFile, { id, type }: { readonly id: number; readonly type: unknown }, native: unknown): void {
  const lower = file.lowerBounds.get(id);
  const upper = file.upperBounds.get(id);
  if (typeof type !== "string" || native === null || (lower === undefined && upper === undefined)) return;
  const wide = typeof native === "number" && /^(long|time)/.test(type);
  const unit = wide && type.startsWith("time") ? undefined : 1n;
  if (unit === undefined) return;
  const bytes = encodeBound(type, (wide ? BigInt(native) : native) as number);
  if (lower !== undefined) assert.ok((compareBounds(type, lower, bytes) ?? 0) <= 0, `value below the lower bound of field ${id}`);
  if (upper !== undefined) assert.ok((compareBounds(type, bytes, upper) ?? 0) <= 0, `value above the upper bound of field ${id}`);
}

/** Every field id of some fields, nested ones too. */
export function allIds(fields: unknown): number[] {
  const ids: number[] = [];
  JSON.stringify(fields, (key, value: unknown) => {
    if ((key === "id" || key.endsWith("-id")) && typeof value === "number") ids.push(value);
    return value;
  });
  return ids;
}
