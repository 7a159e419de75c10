import assert from "node:assert/strict";
import { test } from "node:test";
import { createCsvReader, type CsvRecord } from "./csv-records.ts";

function read(input: string | Buffer, options: { readonly delimiter?: string; readonly recordBytesMax?: number; readonly pieces?: number } = {}) {
  const { delimiter = ",", recordBytesMax = 1_000, pieces = Number.POSITIVE_INFINITY } = options;
  const reader = createCsvReader({ delimiter, recordBytesMax });
  const bytes = Buffer.from(input);
  const size = Math.min(pieces, Math.max(1, bytes.length));
  const found: CsvRecord[] = [];
  for (let start = 0; start < bytes.length; start += size) found.push(...reader.push(bytes.subarray(start, start + size)));
  found.push(...reader.end());
  return found.map((record) => (record.kind === "record" ? [record.line, ...record.texts] : `${record.line}: ${record.expected}`));
}

test("reads fields, empty ones too, with LF, CRLF or no line end at the end", () => {
  assert.deepEqual(read("a,b\r\n1,\n,2"), [
    [1, "a", "b"],
    [2, "1", ""],
    [3, "", "2"],
  ]);
});

test("reads delimiters, line ends and doubled quotes inside quotes, and counts the lines on", () => {
  assert.deepEqual(read('"a, b","say ""hi"""\r\n"two\r\nlines",x\r\n"",""\r\n'), [
    [1, "a, b", 'say "hi"'],
    [2, "two\r\nlines", "x"],
    [4, "", ""],
  ]);
});

test("tells an empty field in quotes from one without", () => {
  const reader = createCsvReader({ delimiter: ",", recordBytesMax: 100 });
  const [record] = [...reader.push(Buffer.from('"",\n')), ...reader.end()];
  assert.ok(record?.kind === "record");
  assert.deepEqual(
    [record.texts, record.quoted],
    [
      ["", ""],
      [true, false],
    ],
  );
});

test("skips a byte order mark and blank lines, and takes other delimiters", () => {
  assert.deepEqual(read("\ufeffa;b\n\n\r\n1;2\n", { delimiter: ";" }), [
    [1, "a", "b"],
    [4, "1", "2"],
  ]);
  assert.deepEqual(read("a\tb\n", { delimiter: "\t" }), [[1, "a", "b"]]);
});

test("names a line that breaks the rules, and goes on in the next one", () => {
  assert.deepEqual(read('a,b\n"x"y,1\n5" pipe,2\n3,4\n'), [
    [1, "a", "b"],
    "2: a delimiter or the end of the line after a closing quote",
    "3: quotes around a whole field, and doubled inside",
    [4, "3", "4"],
  ]);
  assert.deepEqual(read(Buffer.concat([Buffer.from("a\n"), Buffer.of(0xe4), Buffer.from('\n"'), Buffer.of(0xff), Buffer.from('"\nb\n')])), [
    [1, "a"],
    "2: text in UTF-8",
    "3: text in UTF-8",
    [4, "b"],
  ]);
});

test("a quote that is never closed costs its own line, not the rest of the file", () => {
  assert.deepEqual(read('a,b\n1,"cut\n2,x\n3,y\n'), [[1, "a", "b"], "2: a closing quote", [3, "2", "x"], [4, "3", "y"]]);
  const filler = Array.from({ length: 40 }, (_, index) => `${index},filler`).join("\n");
  const found = read(`a,b\n1,"cut\n${filler}\n`, { recordBytesMax: 60, pieces: 7 });
  assert.deepEqual(found.slice(0, 3), [[1, "a", "b"], "2: a record of at most 60 bytes", [3, "0", "filler"]]);
  assert.equal(found.length, 42);
});

test("a line that is too long is held no longer than that, and the next one is read", () => {
  for (const pieces of [1, 10, 1_000])
    assert.deepEqual(read(`a\n${"x".repeat(200)}\nb\n`, { recordBytesMax: 50, pieces }), [[1, "a"], "2: a record of at most 50 bytes", [3, "b"]], `${pieces}`);
});

test("gives the same records for every way to cut the input", () => {
  const text = '\ufeffa,b\r\n"ä ""q"" 🌍",2\r\n"two\r\nlines",\r\n"bad"x,1\r\n\r\nplain,"end"';
  const whole = read(text);
  assert.equal(whole.length, 5);
  for (let pieces = 1; pieces < 70; pieces++) assert.deepEqual(read(text, { pieces }), whole, `in pieces of ${pieces} bytes`);
});

test("gives nothing for nothing", () => {
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("\ufeff"), []);
  assert.deepEqual(read("\n\n"), []);
});
