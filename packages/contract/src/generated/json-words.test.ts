import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { contractOf } from "../testing/samples.ts";
import { compileDoorEncoder } from "./door-encoder.ts";

const names = ["a", "name", "seventh", "eighteen", "nineteenth", "a_name_of_seventeen"];
const contract = contractOf([
  { name: "text", type: "string" },
  { name: "whole", type: "long" },
  { name: "kind", type: { type: "enum", name: "Kind", symbols: ["A", "FOUR", "SEVENTH", "EIGHTEENTH"] } },
  ...names.map((name) => ({ name, type: ["null", "boolean"] })),
]);
const encoder = compileDoorEncoder(contract);
const plain = {
  k: "key",
  o: 1,
  text: "",
  whole: 0,
  kind: "FOUR",
  a: true,
  name: null,
  seventh: false,
  eighteen: true,
  nineteenth: null,
  a_name_of_seventeen: false,
};

/** Holds what is made of a line against what is made of its parsed value. A line that may be left to the parsed way is left at least where it is wrong. */
function hold(bytes: Uint8Array, mustBeRead: boolean): void {
  const isRead = encoder.transcode(bytes, 0, bytes.length);
  assert.ok(isRead || !mustBeRead, `left alone: ${Buffer.from(bytes).toString("latin1")}`);
  if (!isRead) return;
  const { output } = encoder;
  const read = Buffer.from(output.bytes.subarray(output.start, output.end)).toString("hex");
  const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  const parsed = compileRecordEncoder(contract).encode(json);
  assert.equal(read, parsed.kind === "valid" ? Buffer.from(parsed.value).toString("hex") : "no record", Buffer.from(bytes).toString("latin1"));
}

/** The line of a record, with one byte at a place behind the given text. */
function lineWith(record: object, { after, at, byte }: { readonly after: string; readonly at: number; readonly byte: number }): Uint8Array {
  const line = Buffer.from(JSON.stringify(record));
  line[line.indexOf(after) + after.length + at] = byte;
  return line;
}

test("every byte is seen at every place of a text", () => {
  for (let length = 1; length <= 9; length++) {
    for (let at = 0; at < length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const isPlain = byte >= 32 && byte < 128 && byte !== 34 && byte !== 92;
        hold(lineWith({ ...plain, text: "x".repeat(length) }, { after: '"text":"', at, byte }), isPlain);
      }
    }
  }
});

test("every byte is seen at every place of a number", () => {
  for (let length = 1; length <= 17; length++) {
    const whole = Number("12345678901234567".slice(0, length));
    for (let at = 0; at < length; at++) {
      for (let byte = 0; byte < 256; byte++) hold(lineWith({ ...plain, whole }, { after: '"whole":', at, byte }), length < 16 && byte > 48 && byte < 58);
    }
  }
});

test("every byte is seen at every place of names, symbols and what stands for nothing", () => {
  for (const after of [...names.map((name) => `,"${name}`), '"kind":"', '"name":', '"a":']) {
    const word = after.startsWith(',"') ? after.slice(2) : "";
    for (let at = -word.length; at < 6; at++) {
      for (let byte = 0; byte < 256; byte++) hold(lineWith(plain, { after, at, byte }), false);
    }
  }
  for (const kind of ["A", "FOUR", "SEVENTH", "EIGHTEENTH"]) hold(Buffer.from(JSON.stringify({ ...plain, kind })), true);
});

test("a text may end with the memory that it lies in", () => {
  for (const last of [null, true, false]) {
    for (const text of ["", "x", "four", "seventh", "ten bytes."]) {
      const line = new TextEncoder().encode(JSON.stringify({ ...plain, text, a_name_of_seventeen: last }));
      hold(line.slice(), true);
      for (let end = 0; end < line.length; end++) hold(line.slice(0, end), false);
    }
  }
});
