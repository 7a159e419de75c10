import assert from "node:assert/strict";
import { test } from "node:test";
import { formatExact, parseExact } from "./exact-json.ts";

test("whole numbers are exact to 1,000 digits, and what else there is stays as it is", () => {
  const text = '{"a":9007199254740993,"b":[-18446744073709551616,12,1.5],"__proto__":{"c":9007199254740992},"d":"9007199254740993"}';
  const value = parseExact(text) as Record<string, unknown>;
  assert.equal(value["a"], 9007199254740993n);
  assert.deepEqual(value["b"], [-18446744073709551616n, 12, 1.5]);
  assert.equal(parseExact("9".repeat(1_000)), 10n ** 1_000n - 1n);
  assert.throws(() => parseExact(`[${"9".repeat(1_001)}]`), { name: "RangeError", message: /1001 digits/ });
  assert.throws(() => parseExact('{"a":{"b":[1e308,-1e309]}}'), { name: "RangeError", message: /^1 is -1e309, / });
  assert.ok(Object.hasOwn(value, "__proto__"), "a field of that name is a field");
  assert.equal(formatExact(value), text);
  assert.equal(formatExact([9007199254740993n, -9007199254740993n, 12n], { as: "text" }), '["9007199254740993","-9007199254740993",12]');
  assert.equal(formatExact(new Map([["a", 1n]])), '{"a":1}');
  assert.equal(formatExact({ at: new Date(0), gone: undefined }), '{"at":"1970-01-01T00:00:00.000Z"}');
});

test("what JSON cannot hold is refused, never written as null", () => {
  assert.throws(() => formatExact({ price: Number.NaN }), { name: "TypeError", message: /price is NaN/ });
  assert.throws(() => formatExact([Number.POSITIVE_INFINITY]), /0 is Infinity/);
  assert.throws(() => formatExact({ at: new Date("soon") }), /at is an invalid date/);
  assert.throws(() => formatExact(undefined), /It is undefined/);
  assert.throws(() => formatExact(() => 1), /It is function/);
  assert.equal(formatExact({ a: null }), '{"a":null}');
});
