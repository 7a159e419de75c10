import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Contract } from "../contract.ts";
import { testRecordEncoder } from "../records/record-encoder.contract.ts";
import type { RecordEncoder } from "../records/record-encoder.ts";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { contractOf, everyKind, everyKindRecord } from "../testing/samples.ts";
import { compileDoorEncoder } from "./door-encoder.ts";
import { literal, Source } from "./source.ts";

testRecordEncoder("the door's encoder, given objects", (contract) => compileDoorEncoder(contract));
testRecordEncoder("the door's encoder, given bytes", throughBytes);

/** An encoder that has the door transcode whatever has a JSON text. */
function throughBytes(contract: Contract): RecordEncoder {
  const door = compileDoorEncoder(contract, { prefix: Uint8Array.of(9) });
  return {
    encode(json) {
      const bytes = bytesOf(json);
      if (bytes === undefined || !door.transcode(bytes, 0, bytes.length)) return door.encode(json);
      const { output } = door;
      return { kind: "valid", value: output.bytes.subarray(1, output.end), key: output.bytes.subarray(output.keyStart, output.keyEnd) };
    },
  };
}

function bytesOf(json: unknown): Buffer | undefined {
  try {
    const text = JSON.stringify(json);
    return isDeepStrictEqual(JSON.parse(text), json) ? Buffer.from(text) : undefined;
  } catch {
    return undefined;
  }
}

const transcodes = (contract: Contract, text: string | Uint8Array) => {
  const bytes = Buffer.from(text as string);
  return compileDoorEncoder(contract).transcode(bytes, 0, bytes.length);
};

test("code is generated for every kind of field", () => {
  assert.equal(compileDoorEncoder(everyKind).way, "generated");
  assert.ok(transcodes(everyKind, JSON.stringify(everyKindRecord)));
  assert.ok(transcodes(everyKind, JSON.stringify(everyKindRecord, undefined, 2)));
  assert.ok(transcodes(everyKind, JSON.stringify(Object.fromEntries(Object.entries(everyKindRecord).toReversed()))));
});

test("what is common is transcoded: escapes, exponents, offsets, defaults, long texts and lists", () => {
  const contract = contractOf([
    { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
    { name: "ratio", type: "double" },
    { name: "note", type: ["null", "string"], default: null },
    { name: "list", type: { type: "array", items: "long" }, default: [] },
  ]);
  const record = {
    k: 'tab\t "quoted" é',
    o: 1,
    at: "2026-11-21T10:00:00+01:00",
    ratio: 1.5e-7,
    note: "ü".repeat(500),
    list: Array.from({ length: 500 }, (_, index) => index),
  };
  assert.ok(transcodes(contract, JSON.stringify(record)));
  assert.ok(transcodes(contract, '{"o":"9223372036854775807","k":"\\u00e9","ratio":1e3,"at":0}'));
});

test("a field under an earlier name is transcoded; under two names it is left to the parsed way", () => {
  const contract = contractOf([{ name: "place", type: "string", aliases: ["seat"] }]);
  assert.ok(transcodes(contract, '{"k":"a","o":1,"seat":"F9"}'));
  assert.ok(!transcodes(contract, '{"k":"a","o":1,"seat":"F9","place":"F9"}'));
});

test("records within one another are read once, in whatever order their keys stand", () => {
  let type: unknown = "int";
  let text = "1";
  for (let level = 0; level < 60; level++) {
    type = {
      type: "record",
      name: `r${level}`,
      fields: ["n", "x", "y", "z"].map((name) => (name === "n" ? { name, type } : { name, type: "int", default: 7 })),
    };
    text = `{"n":${text},"z":1,"x":2}`;
  }
  const contract = contractOf([{ name: "v", type }]);
  const door = compileDoorEncoder(contract);
  const line = Buffer.from(`{"k":"a","v":${text},"o":1}`);
  assert.ok(door.transcode(line, 0, line.length));
  const expected = compileRecordEncoder(contract).encode(JSON.parse(String(line)));
  assert.ok(expected.kind === "valid");
  assert.deepEqual(Buffer.from(door.output.bytes.subarray(0, door.output.end)), Buffer.from(expected.value));
});

test("a long text that stands before the list after which it is written has room", () => {
  const contract = contractOf([
    { name: "list", type: { type: "array", items: "double" } },
    { name: "text", type: "string" },
  ]);
  const record = { k: "a", o: 1, text: "x".repeat(3_000), list: Array.from({ length: 400 }, () => 1) };
  const door = compileDoorEncoder(contract);
  const line = Buffer.from(JSON.stringify(record));
  assert.ok(door.transcode(line, 0, line.length));
  const expected = compileRecordEncoder(contract).encode(record);
  assert.ok(expected.kind === "valid");
  assert.deepEqual(Buffer.from(door.output.bytes.subarray(0, door.output.end)), Buffer.from(expected.value));
});

test("what is not plainly right is left to the parsed way", () => {
  const contract = contractOf([{ name: "v", type: ["null", "int"] }]);
  assert.ok(transcodes(contract, '{"k":"a","o":1,"v":2}'));
  for (const text of [
    "",
    "{}",
    "null",
    '{"k":"a","o":1,"v":2',
    '{"k":"a","o":1,"v":2}}',
    '{"k":"a","o":1,"v":2} x',
    '{"k":"a","o":1,"v":2,}',
    '{"k":"a","o":1,"v":2,"w":1}',
    '{"k":"a","o":1,"v":2,"v":2}',
    '{"v":2,"o":1,"v":2,"k":"a"}',
    '{"k":"a","v":2,"o":1,"k":"a"}',
    '{"k":"a","v":2,"o":1,}',
    '{"k":"a" "v":2,"o":1}',
    '{"k":"a","v":2',
    '{"k":"a","o":1}',
    '{"k":"a","o":1,"v":02}',
    '{"k":"a","o":1,"v":2147483648}',
    '{"k":"a","o":1,"v":1.5}',
    '{"k":"a","o":1,"v":nul}',
    '{"k":"a","o":-,"v":1}',
    '{"k":"\\ud800","o":1,"v":1}',
    '{"k":"a\nb","o":1,"v":1}',
    '{"\\u006b":"a","o":1,"v":1}',
    "{'k':'a','o':1,'v':1}",
    "[".repeat(100_000),
    '{"__proto__":1,"k":"a","o":1,"v":1}',
    `{"v":${"[".repeat(100_000)}`,
  ])
    assert.equal(transcodes(contract, text), false, text.slice(0, 60));
  for (const bytes of [[0xff], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf0, 0x9f, 0x98], [0x80]])
    assert.equal(transcodes(contract, Buffer.concat([Buffer.from('{"k":"'), Buffer.from(bytes), Buffer.from('","o":1,"v":1}')])), false, String(bytes));
});

test("a contract's checks hold for transcoded records", () => {
  const contract = contractOf(
    [
      { name: "size", type: "long" },
      { name: "ratio", type: ["double", "null"] },
      { name: "kind", type: "string" },
      { name: "tags", type: { type: "array", items: "string" } },
      { name: "home", type: ["null", { type: "record", name: "home", fields: [{ name: "zip", type: "string" }] }] },
      { name: "must", type: ["null", "int"] },
      { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
    ],
    {
      checks: [
        { kind: "range", field: "size", min: 1, max: "9223372036854775806" },
        { kind: "range", field: "ratio", above: 0, below: 1 },
        { kind: "oneOf", field: "kind", values: ["a", "b"] },
        { kind: "length", field: "tags", min: 1 },
        { kind: "matches", field: "home.zip", pattern: "^\\d{5}$" },
        { kind: "notNull", field: "must" },
        { kind: "range", field: "at", min: "2020-01-01T00:00:00Z" },
      ],
    },
  );
  const good = { k: "a", o: 1, size: 5, ratio: 0.5, kind: "b", tags: ["x"], home: { zip: "80331" }, must: 0, at: "2021-01-01T00:00:00Z" };
  assert.ok(transcodes(contract, JSON.stringify(good)));
  assert.ok(transcodes(contract, JSON.stringify({ ...good, ratio: null, home: null, size: "9223372036854775806" })));
  for (const bad of [
    { size: 0 },
    { size: "9223372036854775807" },
    { ratio: 1 },
    { ratio: 0 },
    { kind: "c" },
    { tags: [] },
    { home: { zip: "1" } },
    { must: null },
    { at: 0 },
  ]) {
    const record = { ...good, ...bad };
    assert.equal(transcodes(contract, JSON.stringify(record)), false, JSON.stringify(bad));
    assert.deepEqual(compileDoorEncoder(contract).encode(record), compileRecordEncoder(contract).encode(record));
  }
});

test("names and texts enter generated code only as literals", () => {
  const hostile = 'a"); process.exit(1); ("\u2028\u2029\\';
  assert.equal(new Source().build(literal(hostile)), hostile);
  assert.ok(!/[\u2028\u2029]/.test(literal(hostile)));
  const contract = contractOf([
    { name: "constructor", type: ["null", "int"], default: null },
    { name: "pos", type: "int" },
    { name: "arguments", type: "int" },
  ]);
  const text = '{"k":"a","o":1,"pos":2,"arguments":3}';
  assert.equal(compileDoorEncoder(contract).way, "generated");
  assert.ok(transcodes(contract, text));
  assert.deepEqual(compileDoorEncoder(contract).encode(JSON.parse(text)), compileRecordEncoder(contract).encode(JSON.parse(text)));
  assert.deepEqual(
    compileDoorEncoder(contract).encode({ k: "a", o: 1, pos: 2, arguments: 3 }),
    compileRecordEncoder(contract).encode({ k: "a", o: 1, pos: 2, arguments: 3 }),
  );
});

test("records of any size grow the output, and objects that throw do no harm", () => {
  const contract = contractOf([{ name: "list", type: { type: "array", items: { type: "array", items: ["null", "double"] } } }]);
  const door = compileDoorEncoder(contract);
  const record = { k: "x".repeat(200_000), o: 1, list: Array.from({ length: 300 }, () => Array.from({ length: 300 }, (_, index) => index)) };
  const expected = compileRecordEncoder(contract).encode(record);
  assert.deepEqual(door.encode(record), expected);
  assert.throws(
    () =>
      door.encode({
        k: "a",
        o: 1,
        get list() {
          throw new RangeError("mine");
        },
      }),
    /mine/,
  );
  const bytes = Buffer.from(JSON.stringify(record));
  assert.ok(door.transcode(bytes, 0, bytes.length));
  assert.ok(expected.kind === "valid");
  assert.equal(Buffer.compare(door.output.bytes.subarray(0, door.output.end), expected.value), 0);
});

test("where the platform refuses generated code, the results are the same", () => {
  const script = `
    const { compileDoorEncoder } = await import(${JSON.stringify(new URL("door-encoder.ts", import.meta.url).href)});
    const { everyKind, everyKindRecord } = await import(${JSON.stringify(new URL("../testing/samples.ts", import.meta.url).href)});
    const door = compileDoorEncoder(everyKind, { prefix: Uint8Array.of(7) });
    const bytes = Buffer.from(JSON.stringify(everyKindRecord));
    const transcoded = door.transcode(bytes, 0, bytes.length);
    const errors = door.encodeRecord(everyKindRecord);
    const { output } = door;
    const value = Buffer.from(output.bytes.subarray(1, output.end)).toString("hex");
    const key = Buffer.from(output.bytes.subarray(output.keyStart, output.keyEnd)).toString("hex");
    console.log(JSON.stringify({ way: door.way, reason: door.reason, transcoded, errors: errors ?? null, value, key }));`;
  const child = spawnSync(process.execPath, ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", script], { encoding: "utf8" });
  const expected = compileDoorEncoder(everyKind).encode(everyKindRecord);
  assert.ok(expected.kind === "valid", child.stderr);
  const value = Buffer.from(expected.value).toString("hex");
  const key = Buffer.from(expected.key).toString("hex");
  assert.deepEqual(JSON.parse(child.stdout || "{}"), { way: "compiled", reason: "forbidden", transcoded: false, errors: null, value, key }, child.stderr);
});
