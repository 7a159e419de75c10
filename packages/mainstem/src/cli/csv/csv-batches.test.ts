import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAvroRecordSchema } from "@mainstem/contract";
import type { Refused } from "../refusals.ts";
import { readCsvBatches } from "./csv-batches.ts";

const schema = parseAvroRecordSchema({
  type: "record",
  name: "all",
  fields: [
    { name: "id", type: "long" },
    { name: "note", type: ["null", "string"], default: null },
    { name: "amount", type: ["null", { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 }], default: null },
    { name: "paid", type: "boolean", default: false },
    { name: "ratio", type: "double", default: 0 },
    { name: "at", type: { type: "long", logicalType: "timestamp-micros" }, default: 0 },
    { name: "tags", type: { type: "array", items: "string" }, default: [] },
    { name: "label", type: "string", default: "" },
  ],
});

async function read(text: string, options: { readonly nullText?: string; readonly batchBytes?: number; readonly schema?: typeof schema } = {}) {
  const refused: Refused[] = [];
  async function* source() {
    yield Buffer.from(text);
  }
  const rows: unknown[] = [];
  const places: number[] = [];
  let batches = 0;
  const all = { dataset: "shop.all", schema, delimiter: ",", nullText: "", batchBytes: 1_000, recordBytesMax: 1_000, ...options };
  for await (const batch of readCsvBatches(source(), { ...all, onRefused: (one) => refused.push(one) })) {
    batches++;
    const lines = batch.bytes.toString().trimEnd().split("\n");
    assert.equal(lines.length, batch.records);
    rows.push(...lines.map((line) => JSON.parse(line) as unknown));
    places.push(...lines.map((_, index) => batch.placeOf(index)));
  }
  return { rows, places, batches, refused: refused.map(({ index, errors: [error] }) => `${index}: ${error?.expected}, ${error?.received}`) };
}

test("types come from the contract: whole numbers beyond 2^53 and decimals stay exact", async () => {
  const { rows } = await read(
    'id,amount,paid,ratio,at,tags,label\n9007199254740993,19.90,TRUE,1.5e3,2026-11-21T09:00:00Z,"[""a"",""b""]",\n+7, 5 ,false,,1700,[],x\n',
  );
  assert.deepEqual(rows, [
    { id: "9007199254740993", amount: "19.90", paid: true, ratio: 1500, at: "2026-11-21T09:00:00Z", tags: ["a", "b"], label: "" },
    { id: 7, amount: "5", paid: false, at: 1700, tags: [], label: "x" },
  ]);
});

test("an empty field is null where null may be, an empty text in quotes is an empty text", async () => {
  const { rows } = await read('id,note,amount\n1,,\n2,"",""\n');
  assert.deepEqual(rows, [
    { id: 1, note: null, amount: null },
    { id: 2, note: "", amount: null },
  ]);
});

test("an empty field that is no text and may not be null is left out where it has a default, for the door to fill in", async () => {
  const { rows } = await read('id,paid,ratio,at,tags,label\n1,,"",,,\n,,,,,\n');
  assert.deepEqual(rows, [
    { id: 1, label: "" },
    { id: "", label: "" },
  ]);
});

test("--null names another text for null; quotes make it a text again", async () => {
  const { rows } = await read('id,note,amount\n1,NULL,NULL\n2,"NULL",\n3,,1\n', { nullText: "NULL" });
  assert.deepEqual(rows, [
    { id: 1, note: null, amount: null },
    { id: 2, note: "NULL", amount: null },
    { id: 3, note: "", amount: "1" },
  ]);
});

test("what does not look like its type stays text for the door to name", async () => {
  const { rows } = await read("id,paid,ratio,tags\nsoon,yes,NaN,none\n");
  assert.deepEqual(rows, [{ id: "soon", paid: "yes", ratio: "NaN", tags: "none" }]);
});

test("ragged lines are refused by their number, the others keep theirs", async () => {
  const { rows, places, refused } = await read('id,note\n1,"two\nlines"\n2\n3,a,b\n4,"x"y\n5,last\n');
  assert.deepEqual(rows, [
    { id: 1, note: "two\nlines" },
    { id: 5, note: "last" },
  ]);
  assert.deepEqual(places, [2, 7]);
  assert.deepEqual(refused, [
    "4: 2 fields, as in the header row, 1",
    "5: 2 fields, as in the header row, 3",
    '6: a delimiter or the end of the line after a closing quote, "y"',
  ]);
});

test("a header row that does not fit is refused before anything is sent", async () => {
  await assert.rejects(
    read("ID,nte,note,note\n1,2,3,4\n"),
    /it has no field "ID" \(perhaps id\); it has no field "nte" \(perhaps note\); id, which has no default, is missing; note is named twice/,
  );
  await assert.rejects(read("id;note\n1;2\n"), { code: "cli.csv", remedy: /--delimiter/ });
  await assert.rejects(read('"id\n1\n'), /The header row in line 1 cannot be read: expected a closing quote/);
  await assert.rejects(read("\u00ff\u00feid\n"), /it has no field/);
});

test("a column may have a name that its field had, but not beside the field", async () => {
  const renamed = { ...schema, fields: schema.fields.map((field) => (field.name === "note" ? { ...field, name: "memo", aliases: ["note"] } : field)) };
  const { rows } = await read("id,note\n1,x\n", { schema: renamed });
  assert.deepEqual(rows, [{ id: 1, memo: "x" }]);
  await assert.rejects(read("id,note,memo\n1,x,y\n", { schema: renamed }), /memo is named twice/);
});

test("gives a batch as soon as it is full, and nothing for a file without records", async () => {
  const { batches, places } = await read(`id\n${Array.from({ length: 30 }, (_, index) => index).join("\n")}`, { batchBytes: 40 });
  assert.equal(batches, 7);
  assert.deepEqual([places[0], places.at(-1)], [2, 31]);
  assert.equal((await read("id\n")).batches, 0);
  assert.equal((await read("")).batches, 0);
});
