import assert from "node:assert/strict";
import { test } from "node:test";
import { judgePattern } from "./cost.ts";
import { patternFault } from "./rules.ts";

test("hostile patterns of a thousand characters are judged or refused, in bounded work", () => {
  const nested = (open: string, inner: string, close: string) => {
    const depth = Math.floor((1_000 - inner.length) / (open.length + close.length));
    return `${open.repeat(depth)}${inner}${close.repeat(depth)}`;
  };
  const choice = (option: (index: number) => string) => Array.from({ length: 190 }, (_, index) => option(index)).join("|");
  const letter = (index: number) => String.fromCodePoint(0x4e00 + index);
  const exponential = /may be matched in 2\^N ways/;
  const involved = /too involved to say/;
  const verdicts: readonly (readonly [string, number | RegExp])[] = [
    [nested("(", "a", ")"), 1],
    [nested("(?:", "a", ")+"), exponential],
    [nested("(?:", "", ")*"), 1],
    [nested("(?:", "a", "){2}"), exponential],
    [nested("(?:a*|", "b", ")*"), exponential],
    [nested("(?=a*", "", ")"), exponential],
    [`^(?:${choice((index) => `${letter(index)}*`)})$`, 1],
    [`^(?:${choice((index) => `${letter(index)}*`)})*$`, exponential],
    [`^(?:${choice(letter)})*$`, 1],
    [`^(?:${choice(() => "a")})*$`, involved],
    [`^${"a*".repeat(490)}$`, exponential],
    [".*".repeat(490), exponential],
    [`^${"[ab]?".repeat(190)}$`, exponential],
    ["(?:a|a)".repeat(140), exponential],
    [`${"(?:|)".repeat(190)}x`, exponential],
    [`^${"(?:a+,)*".repeat(110)}$`, exponential],
    ["\\d{99}".repeat(160), involved],
    [Array.from({ length: 70 }, (_, index) => `[\\p{L}${letter(index)}]*`).join(""), involved],
  ];
  for (const [pattern, verdict] of verdicts) {
    assert.ok(pattern.length <= 1_000, pattern);
    if (typeof verdict === "number") assert.partialDeepStrictEqual(judgePattern(pattern), { kind: "polynomial", degree: verdict }, pattern);
    else assert.match(patternFault(pattern) ?? "", verdict, pattern);
  }
});
