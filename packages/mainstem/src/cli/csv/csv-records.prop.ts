// What we read is what csv-parse reads, and a file that breaks the rules never costs a line after the next.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { createCsvReader, type CsvRecord } from "./csv-records.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? "3");
const field = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", " "), maxLength: 6 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
);
const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 8 });

const write = (rows: readonly (readonly string[])[], lineEnd: string): string =>
  rows.map((row) => row.map((text) => (/[",\r\n]/.test(text) || text === "" ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join(lineEnd);

function read(text: string, size: number) {
  const reader = createCsvReader({ delimiter: ",", recordBytesMax: 10_000 });
  const bytes = Buffer.from(text);
  const records: CsvRecord[] = [];
  for (let start = 0; start < bytes.length; start += size) records.push(...reader.push(bytes.subarray(start, start + size)));
  return [...records, ...reader.end()];
}

test("reads what csv-parse reads, however the bytes come", () => {
  fc.assert(
    fc.property(table, fc.constantFrom("\n", "\r\n"), fc.integer({ min: 1, max: 20 }), (rows, lineEnd, size) => {
      const text = write(rows, lineEnd);
      const ours = read(text, size).map((record) => (record.kind === "record" ? record.texts : record));
      const theirs = parse(text, { relax_column_count: true, record_delimiter: lineEnd });
      assert.deepEqual(ours, theirs);
      assert.deepEqual(ours, rows);
    }),
    { interruptAfterTimeLimit: (seconds * 1_000) / 2, numRuns: 2_000 },
  );
});

test("whatever the bytes are, every line is a record's, a fault's or blank, and numbers grow", () => {
  const bytes = fc.string({ unit: fc.constantFrom('"', '""', ",", "\n", "\r\n", "x", "\u00e4"), maxLength: 60 });
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 20 }), (text, size) => {
      const records = read(`${text}\nlast,line\n`, size);
      // What a fault quotes is what had come by then.
      const places = (list: readonly CsvRecord[]) => list.map((record) => ({ ...record, received: "" }));
      assert.deepEqual(places(records), places(read(`${text}\nlast,line\n`, 1_000)));
      for (const [index, { line }] of records.entries()) assert.ok(index === 0 || line > (records[index - 1]?.line ?? 0));
      const last = records.at(-1);
      assert.ok(last !== undefined && (last.kind === "fault" || last.texts.at(-1)?.includes("line")));
    }),
    { interruptAfterTimeLimit: (seconds * 1_000) / 2, numRuns: 2_000 },
  );
});
