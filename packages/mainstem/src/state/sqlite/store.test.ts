import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Kysely } from "kysely";
import { migrate } from "../sql/migrate.ts";
import { migrations, type StateTables } from "../sql/tables.ts";
import { testStateStore } from "../state.contract.ts";
import { createSqliteDialect } from "./dialect.ts";
import { openSqliteState } from "./store.ts";

testStateStore("SQLite", async () => {
  const folder = await scratch();
  let now = 1_000_000;
  return {
    open: () => openSqliteState({ file: join(folder.path, "state/state.sqlite"), clock: () => now }),
    advance: (ms) => void (now += ms),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
});

test("the file keeps a write-ahead log", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  await using store = await openSqliteState({ file });
  await store.pointers.swap("p", { expected: "absent", value: "1" });
  // The header's two version bytes say that readers and writers use the write-ahead log (https://sqlite.org/fileformat.html, 1.3).
  assert.deepEqual([...(await readFile(file)).subarray(18, 20)], [2, 2]);
});

test("a state of a newer version is refused and left as it is", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  await (await openSqliteState({ file }))[Symbol.asyncDispose]();
  edit(file, "insert into mainstem_schema values (99, 0)");
  await assert.rejects(openSqliteState({ file }), { code: "state.newer", message: /format 99/ });
  edit(file, "delete from mainstem_schema where version = 99");
  await (await openSqliteState({ file }))[Symbol.asyncDispose]();
});

test("a database of another program, and a file that is none, are refused and left as they are", async () => {
  await using folder = await scratch();
  const foreign = join(folder.path, "foreign.sqlite");
  edit(foreign, "create table users (id integer); insert into users values (7)");
  const before = await readFile(foreign);
  await assert.rejects(openSqliteState({ file: foreign }), { code: "state.failed", message: /another program/ });
  assert.ok(before.equals(await readFile(foreign)));

  const text = join(folder.path, "text");
  await writeFile(text, "this is no database, only a text that is long enough to be read as one\n".repeat(100));
  await assert.rejects(openSqliteState({ file: text }), { code: "state.corrupt" });
  assert.match(await readFile(text, "utf8"), /^this is no database/);
  await assert.rejects(openSqliteState({ file: join(text, "below") }), { code: "state.failed" });
  await assert.rejects(openSqliteState({ file: folder.path }), { code: "state.failed" });
});

test("a damaged file is named and nothing in it is taken for data", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  {
    await using store = await openSqliteState({ file });
    for (let index = 0; index < 50; index += 1) await store.definitions.put({ kind: "k", name: `n${index}`, spec: "x".repeat(500), appliedAt: 0 }, "absent");
  }
  const bytes = await readFile(file);
  bytes.fill(0x5a, 4_096);
  await writeFile(file, bytes);
  await assert.rejects(
    async () => {
      await using store = await openSqliteState({ file });
      await store.definitions.list("k");
    },
    { code: "state.corrupt" },
  );
});

test("a stored value that is no JSON is named", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  await using store = await openSqliteState({ file });
  await store.definitions.put({ kind: "dataset", name: "a.b", spec: {}, appliedAt: 0 }, "absent");
  edit(file, "update definitions set spec = '{'");
  await assert.rejects(store.definitions.get("dataset", "a.b"), { code: "state.corrupt", message: /a\.b/ });
});

test("a write waits for another connection's transaction without holding up the thread", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  await using store = await openSqliteState({ file });
  const other = new DatabaseSync(file);
  other.exec("begin immediate");
  const swap = store.pointers.swap("p", { expected: "absent", value: "1" });
  assert.equal(await store.pointers.get("p"), undefined, "reads do not wait");
  setTimeout(() => other.exec("commit"), 20);
  assert.equal((await swap).kind, "committed");

  other.exec("begin immediate");
  const late = store.pointers.swap("q", { expected: "absent", value: "1" });
  const refused = assert.rejects(late, { code: "resource.closed" });
  await store[Symbol.asyncDispose]();
  await refused;
  other.close();
});

test("two processes that open a new state at once both succeed", async () => {
  await using folder = await scratch();
  const file = join(folder.path, "state.sqlite");
  const stores = await Promise.all(Array.from({ length: 6 }, () => openSqliteState({ file })));
  await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
});

test("migrations run in order, all or none", async () => {
  await using folder = await scratch();
  const database = new DatabaseSync(join(folder.path, "state.sqlite"));
  const db = new Kysely<StateTables>({ dialect: createSqliteDialect(database) });
  const tables = () =>
    database
      .prepare("select name from sqlite_master where type = 'table' order by name")
      .all()
      .map((row) => row["name"]);
  await migrate(db, { now: 1 });
  const before = tables();
  const second = { version: 2, up: (trx: Kysely<StateTables>) => trx.schema.createTable("second").addColumn("a", "text").execute() };
  const broken = { version: 3, up: () => Promise.reject(new Error("broken")) };
  await assert.rejects(migrate(db, { list: [...migrations, second, broken], now: 2 }), /broken/);
  assert.deepEqual(tables(), before);
  await migrate(db, { list: [...migrations, second], now: 3 });
  await migrate(db, { list: [...migrations, second], now: 4 });
  assert.deepEqual(tables(), [...before, "second"]);
  assert.deepEqual(
    database
      .prepare("select * from mainstem_schema")
      .all()
      .map((row) => [row["version"], row["applied_at"]]),
    [
      [1, 1],
      [2, 3],
    ],
  );
  await db.destroy();
});

function edit(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

async function scratch(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-state-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
