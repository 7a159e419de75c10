import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isJson } from "./is-json.ts";

const interruptAfterTimeLimit = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 500;

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Judged in the midst of other bytes, which must not be looked at. */
function judge(text: string): boolean {
  const bytes = Buffer.from(`"9${text}9"`);
  return isJson(bytes, 2, bytes.length - 2);
}

test("texts that JSON.stringify made, and one change away from it, are judged as JSON.parse judges them", () => {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.constantFrom("", "x", '"', "\\", ",", "]", "}", "0", ".", "e", "\n", "\u0001", "\\u00", "-"));
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1), change, (value, indent, [at, removed, added]) => {
      const text = JSON.stringify(value, null, indent);
      assert.equal(judge(text), true, text);
      const place = at % (text.length + 1);
      const changed = Buffer.from(text.slice(0, place) + added + text.slice(place + removed)).toString();
      assert.equal(judge(changed), parses(changed), changed);
    }),
    { interruptAfterTimeLimit, numRuns: 100_000 },
  );
});

test("texts put together of JSON's pieces are judged as JSON.parse judges them", () => {
  const piece = fc.constantFrom(
    ...Array.from('{}[],:"\\/-+.eE019 \t\n\r\u0000\u001fé'),
    "true",
    "false",
    "null",
    "nul",
    '"a"',
    '"\\u00e9"',
    '"\\u00g9"',
    '"\\x"',
    "1.5e-3",
    "01",
    "-",
    "[[",
    "]]",
    '{"a":',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const text = pieces.join("");
      assert.equal(judge(text), parses(text), JSON.stringify(text));
    }),
    { interruptAfterTimeLimit, numRuns: 1_000_000 },
  );
});
