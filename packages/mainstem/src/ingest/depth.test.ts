import assert from "node:assert/strict";
import { test } from "node:test";
import { nestsDeeper } from "./depth.ts";

const deeper = (text: string, depthMax = 3): boolean => nestsDeeper(Buffer.from(text), { start: 0, end: Buffer.byteLength(text), depthMax });

test("counts levels of arrays and objects", () => {
  assert.equal(deeper('[{"a":[1]}]'), false);
  assert.equal(deeper('[{"a":[[1]]}]'), true);
  assert.equal(deeper("[[[]],[[]],[[]]]"), false);
});

test("does not count brackets in strings", () => {
  assert.equal(deeper('["[[[[[[", "\\"[[[[", "\\\\", "{{{{"]'), false);
  assert.equal(deeper('"\\\\" [[[['), true);
});

test("stops early, whatever follows", () => {
  let read = 0;
  const get = (target: Uint8Array, name: string | symbol): unknown => (read++, Reflect.get(target, name));
  const text = new Proxy(Buffer.from("[".repeat(1_000)), { get });
  assert.equal(nestsDeeper(text, { start: 0, end: 1_000, depthMax: 64 }), true);
  assert.equal(read, 65);
});

test("JSON.parse takes deep nesting without overflowing: what this room relies on for short records", () => {
  assert.ok(Array.isArray(JSON.parse("[".repeat(500_000) + "]".repeat(500_000))));
});
