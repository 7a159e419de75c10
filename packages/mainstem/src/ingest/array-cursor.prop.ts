import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ArrayCursor, skipSpace } from "./array-cursor.ts";

const interruptAfterTimeLimit = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000;

/** The elements of an array by cursor and parser, undefined where they find a fault. */
function elementsOf(text: string): readonly unknown[] | undefined {
  const bytes = Buffer.from(text);
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== 0x5b) return undefined;
  const cursor = new ArrayCursor(bytes, { start, depthMax: 1_000 });
  const elements: unknown[] = [];
  try {
    while (cursor.next()) elements.push(JSON.parse(bytes.toString("utf8", cursor.start, cursor.end)));
  } catch {
    return undefined;
  }
  return cursor.fault === undefined ? elements : undefined;
}

function parse(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
  } catch {
    return undefined;
  }
}

test("the cursor and the parser of elements accept what JSON.parse accepts, and give the same", () => {
  const spaced = fc
    .tuple(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.constantFrom(undefined, 1, "\t"))
    .map(([value, indent]) => JSON.stringify(value, null, indent));
  fc.assert(
    fc.property(spaced, (text) => assert.deepEqual(elementsOf(` ${text}\n`), parse(text))),
    { interruptAfterTimeLimit: interruptAfterTimeLimit / 2, numRuns: 10_000 },
  );
});

test("texts that are nearly arrays are judged as JSON.parse judges them", () => {
  const piece = fc.constantFrom("[", "]", "{", "}", ",", ":", " ", "\n", '"', '"a"', "\\", "1", "-", "null", "true", '{"a":1}', "[1,2]", "\u00a0", "é");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = `[${pieces.join("")}`;
      assert.deepEqual(elementsOf(text), parse(text), text);
    }),
    { interruptAfterTimeLimit: interruptAfterTimeLimit / 2, numRuns: 100_000 },
  );
});
