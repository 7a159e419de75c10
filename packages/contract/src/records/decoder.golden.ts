import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { compileDecoder } from "./decoder.ts";

interface Case {
  readonly writer: string;
  readonly reader: string;
  readonly binary_hex: string;
  /** As Java prints it. */
  readonly expected: string;
}
const file = new URL("../../../../test/golden/avro/decoding.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { readonly cases: readonly Case[] };
const inRecord = (text: string) => parseAvroRecordSchema({ type: "record", name: "r", fields: [{ name: "value", type: JSON.parse(text) as unknown }] });

test("Avro's own cases of schema resolution come out as they do in Java", () => {
  for (const { writer, reader, binary_hex, expected } of cases) {
    const options = { writer: inRecord(writer), reader: inRecord(reader) };
    const { value } = compileDecoder(options)(new Uint8Array(Buffer.from(binary_hex, "hex")));
    assert.equal(typeof value === "number" ? value : String(value), typeof value === "number" ? Number(expected) : expected, `${writer} -> ${reader}`);
  }
  assert.equal(cases.length, 11);
});
