import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRecords, parseContract, type NativeRecord } from "@mainstem/contract";
import { icebergSchemaOf } from "../iceberg/index.ts";
import { rowDigest } from "./duckdb/build/ties.ts";
import { openDuckdbTableEngine } from "./duckdb/table-engine.ts";
import { putChunk, toRecords } from "./testing/chunks.ts";
import { openDirectory, openPipeline, type Pipeline } from "./testing/pipeline.ts";
import { readRows } from "./testing/rows.ts";
import { TableInMemory } from "./testing/table-in-memory.ts";
import { openWorld } from "./testing/world.ts";

const contractOf = (rules: Readonly<Record<string, string>>) =>
  parseContract({
    name: "shop.customers",
    schema: {
      type: "record",
      name: "customers",
      namespace: "shop",
      fields: [
        { name: "id", type: "string" },
        { name: "seen", type: "int" },
        { name: "since", type: { type: "int", logicalType: "date" } },
        { name: "channel", type: "string" },
        { name: "email", type: ["null", "string"], default: null },
        { name: "spent", type: ["null", "double"], default: null },
        { name: "tags", type: { type: "array", items: "string" } },
      ],
    },
    key: ["id"],
    order: ["seen"],
    merge: { kind: "fields", fields: rules },
    partition: [{ field: "since", transform: "month" }],
  });
const contract = contractOf({ since: "min", channel: "first", email: "latestNonNull", spent: "max", tags: "union" });
const seen = (id: string, at: number, change: NativeRecord = {}): NativeRecord => ({
  id,
  seen: at,
  since: at,
  channel: `c${at}`,
  email: null,
  spent: null,
  tags: [],
  ...change,
});

async function rowsOf(pipeline: Pipeline): Promise<readonly NativeRecord[]> {
  const state = (await pipeline.tables.load(contract.name))!;
  return await readRows(pipeline.objects, contract, await pipeline.tables.files(contract.name, state, state.current!), state.schema);
}

test("each field keeps its own rule over builds and restarts, and a row goes where its partition field leads it", async () => {
  await using directory = await openDirectory();
  const steps = [
    [seen("a", 400, { email: "a@400", tags: ["x"] }), seen("b", 500)],
    [seen("a", 420, { spent: 1.5, tags: ["y", "x"] })],
    [seen("a", 410, { email: "a@410" }), seen("b", 500, { tags: ["q", "q"] })],
    [seen("a", 30, { email: "a@30", spent: 9 }), seen("a", 405, { email: "a@405" })],
  ];
  for (const records of steps) {
    await using pipeline = await openPipeline({ directory: directory.path, contract });
    await pipeline.append(records);
    await pipeline.archive();
    await pipeline.build();
  }
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const rows = await rowsOf(pipeline);
  assert.deepEqual(rows, [
    { id: "a", seen: 420, since: 30, channel: "c30", email: "a@410", spent: 9, tags: ["x", "y"] },
    { id: "b", seen: 500, since: 500, channel: "c500", email: null, spent: null, tags: ["q"] },
  ]);
  assert.deepEqual(rows, mergeRecords(contract, steps.flat(), rowDigest).rows);
});

test("records that change nothing change no file", async () => {
  await using directory = await openDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, contract });
  const files = async (): Promise<readonly string[]> => {
    const state = (await pipeline.tables.load(contract.name))!;
    return (await pipeline.tables.files(contract.name, state, state.current!)).map(({ key }) => key);
  };
  const step = async (...records: NativeRecord[]): Promise<readonly string[]> => {
    await pipeline.append(records);
    await pipeline.archive();
    await pipeline.build();
    return await files();
  };
  const before = await step(seen("a", 5, { email: "e", tags: ["x"] }), seen("a", 9));
  assert.deepEqual(await step(seen("a", 9), seen("a", 7, { since: 6 }), seen("a", 5, { email: "e", tags: ["x", "x"] })), before.slice());
  // The value is the same, but it has now been said later: the table must remember that, or 6 would come back with something else.
  assert.notDeepEqual(await step(seen("a", 8, { since: 5, email: "e" })), before);
  await step(seen("a", 6, { email: "older" }));
  assert.equal((await rowsOf(pipeline))[0]?.["email"], "e");
});

test("a table remembers beside its rows only what the rules ask for", () => {
  const reserved = (rules: Readonly<Record<string, string>>): unknown => {
    const field = icebergSchemaOf(contractOf(rules)).fields.find(({ name }) => name === "_mainstem");
    return field !== undefined && typeof field.type === "object" && field.type.type === "struct" ? field.type.fields.map(({ name }) => name) : field;
  };
  assert.equal(reserved({ since: "min", spent: "max", tags: "union", email: "latest" }), undefined);
  assert.deepEqual(reserved({ channel: "first", email: "latestNonNull", since: "min" }), ["channel", "email"]);
});

test("under merge none every sending is a row, also without a key, and only small files are written anew", async () => {
  const fields = [
    { name: "at", type: "int" },
    { name: "line", type: "string" },
  ];
  for (const key of [[], ["line"]]) {
    const lines = parseContract({ name: "shop.lines", schema: { type: "record", name: "lines", namespace: "shop", fields }, key, merge: { kind: "none" } });
    const rows = Array.from({ length: 30 }, (_, index) => ({ at: index % 7, line: `l${index % 5}` }));
    await using world = await openWorld();
    await using engine = await openDuckdbTableEngine({ objects: world.objects, directory: `${world.directory}/engine`, threads: 2 });
    const table = new TableInMemory(lines, world.objects);
    for (const start of [0, 20]) {
      const records = toRecords(lines, rows.slice(start, start + 20), { schemaId: 1 });
      const chunk = await putChunk(world.objects, { topic: "shop.lines", start, records, schemas: new Map([[1, lines.schema]]) });
      const built = await table.build(engine, [chunk]);
      assert.deepEqual(built.counts, { records: records.length, inserted: records.length, updated: 0, deleted: 0, superseded: 0, conflicts: 0, moved: 0 });
    }
    assert.equal(table.files.length, 1);
    assert.deepEqual(mergeRecords(lines, await table.rows(), rowDigest).rows, mergeRecords(lines, rows, rowDigest).rows);
    assert.equal(icebergSchemaOf(lines)["identifier-field-ids"], undefined);
  }
});
