import assert from "node:assert/strict";
import { test } from "node:test";
import { formatJson, parseJson } from "./json.ts";

test("keeps 64-bit integers exact, and other numbers as they are", () => {
  const text = '{"a":9223372036854775807,"b":-9007199254740993,"c":9007199254740991,"d":1.5,"e":[12345678901234567890],"f":"9007199254740993"}';
  const value = parseJson(text, { key: "k" });
  assert.deepEqual(value, {
    a: 9223372036854775807n,
    b: -9007199254740993n,
    c: Number.MAX_SAFE_INTEGER,
    d: 1.5,
    e: [12345678901234567890n],
    f: "9007199254740993",
  });
  assert.equal(formatJson(value), text);
});

test("a name such as __proto__ is only a name", () => {
  const text = '{"__proto__":{"x":1},"y":2}';
  const value = parseJson(text, { key: "k" });
  assert.equal(formatJson({ ...(value as object) }), text);
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});

test("names the object that is not JSON, or too deep to be metadata", () => {
  for (const text of ['{"a":', "", "[1,]", `${"[".repeat(200_000)}${"]".repeat(200_000)}`]) {
    assert.throws(() => parseJson(text, { key: "tables/a/b" }), { code: "table.corrupt", facts: { key: "tables/a/b" } });
  }
});
