import { createHash } from "node:crypto";
import { BIGINT, DuckDBDataChunk } from "@duckdb/node-api";
import { compareContent, compileRowText, type Contract } from "@mainstem/contract";
import type { Database } from "../database.ts";
import { list, type TableShape } from "../shape.ts";
import type { Identity } from "./identity.ts";

/** What a comparison of rows goes by. */
export interface Comparison {
  readonly contract: Contract;
  readonly shape: TableShape;
  readonly by: Identity;
  /** A query of `src`, `part` and all columns of the rows of the table whose `src` is in the table `slice`; undefined without any. */
  readonly existingRows: string | undefined;
  /** What one incoming record takes in Avro. */
  readonly recordBytes: number;
  readonly memoryBytesMax: number;
}

/** DuckDB's vector size. */
const rowsMax = 2_048;
/** The share of the memory that the tied rows which are looked at together may take. */
const sliceShare = 16;

/** What decides ties: the MD5 of the canonical row text, which every engine has. It need not withstand attacks: who can write a record can write any. */
export function rowDigest(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/**
 * Decides the keys of which several rows share the best order (the table `tied (key…, src, g)`, `g` numbering the keys from 1): the table `settled (src)`
 * has one row for each. Rows of the same content are one row, which SQL finds; where the content differs, the row with the greater digest of its
 * canonical text wins. Returns how many rows lost that way.
 */
export async function settleTies(database: Database, options: Comparison): Promise<number> {
  const { shape, existingRows, recordBytes, memoryBytesMax } = options;
  await database.run("CREATE TABLE settled (src BIGINT)");
  const [[rows = 0, keys = 0] = []] = (await database.rows("SELECT count(*), max(g) FROM tied")).map((counts) => counts.map(Number));
  const keysASlice = Math.max(1, Math.floor((keys * memoryBytesMax) / sliceShare / (rows * Math.max(1, recordBytes))));
  const columns = `src, part, ${list(shape.columns)}`;
  const existing = existingRows === undefined ? "" : ` UNION ALL SELECT ${columns} FROM (${existingRows})`;
  let conflicts = 0;
  for (let from = 0; from < keys; from += keysASlice) {
    await database.run(`CREATE TABLE slice AS SELECT g, src FROM tied WHERE g > ${from} AND g <= ${from + keysASlice}`);
    await database.run(`CREATE TABLE contender AS SELECT s.g, r.* FROM (SELECT ${columns} FROM incoming${existing}) r JOIN slice s ON r.src = s.src`);
    // A negative src comes first: where a row of the table is as good as a new one, nothing has to change.
    await database.run(`CREATE TABLE content AS SELECT g, min(src) AS src FROM contender GROUP BY g, ${list(shape.columns)}`);
    await database.run("INSERT INTO settled SELECT min(src) FROM content GROUP BY g HAVING count(*) = 1");
    conflicts += await chooseByDigest(database, options);
    await database.run("DROP TABLE slice; DROP TABLE contender; DROP TABLE content");
  }
  return conflicts;
}

/** Decides the keys of `content` that have several rows. */
async function chooseByDigest(database: Database, { contract, shape }: Comparison): Promise<number> {
  const rowText = compileRowText(contract);
  const winners: bigint[] = [];
  let conflicts = 0;
  let best: { readonly group: bigint; readonly src: bigint; readonly text: string } | undefined;
  const result = await database.connection.stream(`
    SELECT g, src, ${list(shape.columns)} FROM contender
    SEMI JOIN (SELECT src FROM content WHERE g IN (SELECT g FROM content GROUP BY g HAVING count(*) > 1)) USING (src) ORDER BY g, src`);
  for await (const rows of result.yieldRows()) {
    for (const [group, src, ...values] of rows) {
      const native = Object.fromEntries(shape.columns.map(({ field, column }, index) => [field.name, column.toNative(values[index] ?? null)]));
      const text = rowText(native);
      const one = { group: group as bigint, src: src as bigint, text };
      if (best?.group !== one.group) {
        if (best !== undefined) winners.push(best.src);
        best = one;
      } else if (best.text !== text) {
        conflicts += 1;
        if (compareContent(text, best.text, rowDigest) > 0) best = one;
      }
    }
  }
  if (best !== undefined) winners.push(best.src);
  await appendNumbers(database, "settled", winners);
  return conflicts;
}

async function appendNumbers(database: Database, table: string, values: readonly bigint[]): Promise<void> {
  if (values.length === 0) return;
  const appender = await database.connection.createAppender(table);
  for (let start = 0; start < values.length; start += rowsMax) {
    const part = values.slice(start, start + rowsMax);
    const chunk = DuckDBDataChunk.create([BIGINT], part.length);
    chunk.setColumns([part]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}
