import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase, quoteText } from "./database.ts";

test("a disk that refuses a file is no damaged file", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-duckdb-"));
  context.after(() => rm(directory, { recursive: true }));
  await using database = await openDatabase({ memoryBytesMax: 67_108_864, threads: 1, directory });
  const { signal } = new AbortController();
  const run = (sql: string): Promise<void> => database.during(signal, "trying", () => database.run(sql));
  const missing = join(directory, "not there", "rows.parquet");
  await assert.rejects(run(`COPY (SELECT 1 AS a) TO ${quoteText(missing)} (FORMAT parquet)`), { code: "table.failed", message: /No such file or directory/ });
  const damaged = join(directory, "rows.parquet");
  await writeFile(damaged, "PAR1 and then nothing of Parquet");
  await assert.rejects(run(`SELECT * FROM read_parquet(${quoteText(damaged)})`), { code: "table.corrupt" });
});
