import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judgePattern } from "./cost.ts";
import { timed } from "../testing/arbitraries.ts";

/** A pattern over a and b, as text and as the search for it: which tells `then` every place where a match that begins at `at` may end. */
interface Sample {
  readonly text: string;
  readonly search: Search;
}
type Search = (word: string, at: number, then: (at: number) => void) => void;

const character = fc.constantFrom("a", "b", "[ab]").map((text): Sample => {
  const one = new RegExp(`^${text}$`, "u");
  return { text, search: (word, at, then) => (one.test(word.charAt(at)) ? then(at + 1) : undefined) };
});
const repetitions = { "*": [0, Infinity], "+": [1, Infinity], "?": [0, 1], "{2}": [2, 2], "{0,3}": [0, 3], "{2,}": [2, Infinity] } as const;

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    character,
    fc.tuple(tie("sample"), tie("sample")).map(([left, right]): Sample => ({
      text: `${left.text}${right.text}`,
      search: (word, at, then) => left.search(word, at, (end) => right.search(word, end, then)),
    })),
    fc.tuple(tie("sample"), tie("sample")).map(([left, right]): Sample => ({
      text: `(?:${left.text}|${right.text})`,
      search: (word, at, then) => {
        left.search(word, at, then);
        right.search(word, at, then);
      },
    })),
    fc.tuple(tie("sample"), fc.constantFrom(...(Object.keys(repetitions) as (keyof typeof repetitions)[]))).map(([inner, times]): Sample => {
      const [min, max] = repetitions[times];
      return { text: `(?:${inner.text})${times}`, search: (word, at, then) => repeat(inner.search, { word, min, max }, at, then) };
    }),
    tie("sample").map((inner): Sample => ({
      text: `(?!${inner.text}c)`,
      // It never matches, as no word has a c, so that all of its ways are tried.
      search: (word, at, then) => {
        inner.search(word, at, () => undefined);
        then(at);
      },
    })),
  ),
}));

/** ECMAScript's RepeatMatcher: a turn that is not needed must not be empty. */
function repeat(inner: Search, of: { readonly word: string; readonly min: number; readonly max: number }, at: number, then: (at: number) => void): void {
  const { word, min, max } = of;
  if (max > 0) {
    inner(word, at, (end) => {
      if (min === 0 && end === at) return;
      repeat(inner, { word, min: Math.max(0, min - 1), max: max - 1 }, end, then);
    });
  }
  if (min === 0) then(at);
}

const word = fc
  .tuple(fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 3 }), fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 }))
  .map(([start, turn]) => `${start}${turn.repeat(12)}`.slice(0, 12));

test("a search that finds nothing tries no more ways than its pattern was judged to have", () => {
  fc.assert(
    fc.property(sample, fc.boolean(), word, ({ text, search }, anchored, own) => {
      const pattern = `${anchored ? "^" : ""}(?:${text})`;
      const cost = judgePattern(pattern);
      if (cost.kind !== "polynomial") return;
      // The states that can be tried at each place are a constant, and this is a bound of it.
      const bound = 4 * pattern.length * cost.ways * (own.length + 1) ** cost.degree;
      let ways = 0;
      for (let at = 0; at <= (anchored ? 0 : own.length); at++)
        search(own, at, () => assert.ok(++ways <= bound, `${pattern} has more than ${bound} ways in ${own}, and was judged to be ${JSON.stringify(cost)}`));
    }),
    timed(),
  );
});
