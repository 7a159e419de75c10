import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { quoteName, quoteText, type Database } from "../database.ts";
import { hashFile } from "../hash-file.ts";
import { fieldIds, list, scan, type TableShape } from "../shape.ts";
import { comparedColumns, equal, type Identity } from "./identity.ts";
import type { FileSizes } from "./write.ts";

/** The remembered deletes that a build starts from. */
export interface TombstoneInput {
  /** Local copies, in the order in which the caller counts them. */
  readonly files: readonly { readonly path: string; readonly records: number; readonly bytes: number }[];
  /** Milliseconds since 1970: how old new ones are. */
  readonly now: number;
  /** What was built before this is forgotten. */
  readonly oldest: number;
}

export interface WrittenTombstones {
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The places of the files whose deletes are in the new one. */
  readonly replaced: readonly number[];
}

/** The column that says when a delete was built; Iceberg gives out ids from 1. */
const since = { id: 0, name: "since", type: "BIGINT", title: "_mainstem" } as const;

/** Rows of the table count down from -1; so do these, from where no table gets. */
const firstSource = "-4611686018427387904";

/**
 * Fills `tombstone (src, part, key…, order…)` with the remembered deletes of incoming keys. A delete belongs to the table: where rows are the same only
 * within a partition it stands in each partition that its key comes in.
 */
export async function findTombstones(
  database: Database,
  { shape, by, tombstones }: { readonly shape: TableShape; readonly by: Identity; readonly tombstones: TombstoneInput },
): Promise<void> {
  const columns = comparedColumns(shape);
  await database.run(`CREATE TABLE tombstone (src BIGINT, part INTEGER, ${columns.map(({ name, type }) => `${name} ${type}`).join(", ")})`);
  if (tombstones.files.length === 0) return;
  const part = by.includes("part") ? "i.part" : "NULL";
  await database.run(`INSERT INTO tombstone
    SELECT ${firstSource} - row_number() OVER (), ${part}, ${list(columns, "t")} FROM (${remembered(shape, tombstones, tombstones.files)}) t
    JOIN (SELECT DISTINCT ${by.join(", ")} FROM incoming) i ON ${equal("t", "i", keyNames(shape))}`);
}

/**
 * Makes `buried (key…, order…)`, the deletes that won and were not remembered yet, and `risen (key…)`, the keys whose remembered delete was beaten by a
 * row: that row's order now does what the delete did. Returns how many are buried.
 */
export async function settleTombstones(database: Database, shape: TableShape): Promise<number> {
  const key = list(shape.key);
  const columns = comparedColumns(shape);
  const known = columns.map(({ name }) => `i.${name} = t.${name}`).join(" AND ");
  await database.run(`CREATE TABLE buried AS SELECT ${list(columns)} FROM incoming i
    SEMI JOIN (SELECT src FROM winner WHERE dead) USING (src) ANTI JOIN tombstone t ON ${known}`);
  await database.run(`CREATE TABLE risen AS SELECT DISTINCT ${key} FROM tombstone SEMI JOIN (SELECT ${key} FROM winner WHERE NOT dead) USING (${key})`);
  await database.run("DROP TABLE tombstone");
  return await database.number("SELECT count(*) FROM buried");
}

/**
 * Writes what is buried, together with what small files remember, into one new file, one row a key. Undefined when nothing new is to be remembered:
 * a delete that a row has beaten does no harm, so it waits for the next time.
 */
export async function writeTombstones(
  database: Database,
  options: { readonly shape: TableShape; readonly tombstones: TombstoneInput; readonly directory: string; readonly sizes: FileSizes },
): Promise<WrittenTombstones | undefined> {
  const { shape, tombstones, directory, sizes } = options;
  if ((await database.number("SELECT count(*) FROM buried")) === 0) return undefined;
  const isSmall = ({ bytes, records }: TombstoneInput["files"][number]): boolean => bytes < sizes.smallBytes && records < sizes.rememberedMax;
  const small = tombstones.files.flatMap((file, index) => (isSmall(file) ? [{ ...file, index }] : []));
  const key = list(shape.key);
  const columns = list(comparedColumns(shape));
  const old = small.length === 0 ? "" : ` UNION ALL SELECT * FROM (${remembered(shape, tombstones, small)}) ANTI JOIN risen USING (${key})`;
  const latest = [...shape.order.map(({ name }) => `${name} DESC`), since.name].join(", ");
  const rows = `SELECT * FROM (SELECT ${columns}, ${tombstones.now}::BIGINT AS ${since.name} FROM buried${old})
    QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY ${latest}) = 1 ORDER BY ${key}`;
  const titled = comparedColumns(shape).map(({ name, iceberg }) => `${name} AS ${quoteName(iceberg.name)}`);
  const ids = fieldIds(comparedColumns(shape)).replace(/}$/, `, ${quoteName(since.title)}: ${since.id}}`);
  const path = join(directory, `${randomUUID()}.parquet`);
  await database.run(`COPY (SELECT ${titled.join(", ")}, ${since.name} AS ${quoteName(since.title)} FROM (${rows}))
    TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${ids})`);
  const records = await database.number(`SELECT count(*) FROM read_parquet(${quoteText(path)})`);
  return { path, records, ...(await hashFile(path)), replaced: small.map(({ index }) => index) };
}

/** A query of `key…, order…, since` over what some files remember. */
function remembered(shape: TableShape, { oldest }: TombstoneInput, files: TombstoneInput["files"]): string {
  const columns = comparedColumns(shape);
  const fields = [...columns.map(({ iceberg, name, type }) => ({ id: iceberg.id, name, type })), since];
  const paths = files.map(({ path }) => path);
  return `SELECT ${list(columns)}, ${since.name} FROM ${scan(paths, fields)} WHERE ${since.name} >= ${oldest}`;
}

function keyNames({ key }: TableShape): Identity {
  return key.map(({ name }) => name);
}
