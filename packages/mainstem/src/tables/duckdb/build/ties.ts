import { createHash } from "node:crypto";
import { BIGINT, DuckDBDataChunk } from "@duckdb/node-api";
import { compareContent, compileRowText, type Contract } from "@mainstem/contract";
import type { Database } from "../database.ts";
import { list, type TableShape } from "../shape.ts";
import { equal, of, type Identity } from "./identity.ts";

/** What a comparison of rows goes by. */
export interface Comparison {
  readonly contract: Contract;
  readonly shape: TableShape;
  readonly by: Identity;
  /** A query of `src`, `part` and all columns of the rows of the table whose `src` is in the table `tied`; undefined without any. */
  readonly existingRows: string | undefined;
}

/** DuckDB's vector size. */
const rowsMax = 2_048;

/** What decides ties: the MD5 of the canonical row text, which every engine has. It need not withstand attacks: who can write a record can write any. */
export function rowDigest(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/**
 * Decides the keys of which several rows share the best order (the table `tied`), in the table `settled (key…, src)`. Rows of the same content are one
 * row, which SQL finds; where the content differs, the row with the greater digest of its canonical text wins. Returns how many rows lost that way.
 */
export async function settleTies(database: Database, options: Comparison): Promise<number> {
  const { shape, by, existingRows } = options;
  const names = by.join(", ");
  const columns = list(shape.columns);
  const existing = existingRows === undefined ? "" : ` UNION ALL SELECT src, part, ${columns} FROM (${existingRows})`;
  await database.run(`CREATE TABLE contender AS SELECT r.* FROM (SELECT src, part, ${columns} FROM incoming${existing}) r SEMI JOIN tied USING (src)`);
  // A negative src comes first: where a row of the table is as good as a new one, nothing has to change.
  await database.run(`CREATE TABLE content AS SELECT ${names}, min(src) AS src FROM contender GROUP BY ${names}, ${contentOf(shape, by)}`);
  await database.run(`CREATE TABLE settled AS SELECT ${names}, min(src) AS src FROM content GROUP BY ${names} HAVING count(*) = 1`);
  await database.run(`CREATE TABLE open AS SELECT ${names}, row_number() OVER () AS g FROM content GROUP BY ${names} HAVING count(*) > 1`);
  const { winners, conflicts } = await chooseByDigest(database, options);
  if (winners.length > 0) {
    await appendNumbers(database, "chosen", winners);
    await database.run(`INSERT INTO settled SELECT ${names}, src FROM content SEMI JOIN chosen USING (src)`);
    await database.run("DROP TABLE chosen");
  }
  await database.run("DROP TABLE contender; DROP TABLE content; DROP TABLE open");
  return conflicts;
}

/** What makes rows equal in every bit beside the identity: SQL's equality, but for floats, where text tells -0 from 0. */
function contentOf({ columns }: TableShape, by: Identity): string {
  const values = columns.filter(({ name }) => !by.includes(name)).map(({ name, column }) => (column.floating ? `${name}::VARCHAR` : name));
  return values.length === 0 ? "true" : values.join(", ");
}

async function chooseByDigest(
  database: Database,
  { contract, shape, by }: Comparison,
): Promise<{ readonly winners: readonly bigint[]; readonly conflicts: number }> {
  const rowText = compileRowText(contract);
  const winners: bigint[] = [];
  let conflicts = 0;
  let best: { readonly group: bigint; readonly src: bigint; readonly text: string } | undefined;
  const result = await database.connection.stream(`
    SELECT o.g, c.src, ${of("c", shape.columns.map(({ name }) => name))}
    FROM contender c SEMI JOIN content d ON c.src = d.src JOIN open o ON ${equal("c", "o", by)} ORDER BY o.g, c.src`);
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
  return { winners, conflicts };
}

async function appendNumbers(database: Database, table: string, values: readonly bigint[]): Promise<void> {
  await database.run(`CREATE TABLE ${table} (src BIGINT)`);
  const appender = await database.connection.createAppender(table);
  for (let start = 0; start < values.length; start += rowsMax) {
    const part = values.slice(start, start + rowsMax);
    const chunk = DuckDBDataChunk.create([BIGINT], part.length);
    chunk.setColumns([part]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}
