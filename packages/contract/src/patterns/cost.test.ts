import assert from "node:assert/strict";
import { test } from "node:test";
import { regexes } from "zod";
import { escapeBorders, scanBorders } from "./automaton.ts";
import { judgePattern } from "./cost.ts";
import { matchedLengthMax, patternFault } from "./rules.ts";

/** The degree of what a search costs, or that it has none. */
function verdictOf(pattern: string): number | string {
  const cost = judgePattern(pattern);
  return cost.kind === "polynomial" ? cost.degree : cost.kind;
}

test("a pattern costs what recheck says that it does", () => {
  // Origin of the verdicts: recheck 4.5.0 (github.com/makenowjust-labs/recheck), with the flag u. It tells safe from linear; here both are 1.
  const verdicts: readonly (readonly [string, number | "exponential"])[] = [
    ["^[A-Z]{2}\\d{4}$", 1],
    ["^[a-z]+(-[a-z]+)*$", 1],
    ["^\\p{L}+$", 1],
    ["^(\\.\\d{1,3}){3}$", 1],
    ["^(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?!$)|$)){4}$", 1],
    ["^(?:a|ab)(?:c|bcd)(?:d*)$", 1],
    ["^(ab|a)*b$", 1],
    ["^(a+b)*c$", 1],
    ["^(xx|xxx)*$", "exponential"],
    ["^(x{2})+$", 1],
    ['^"(?:[^"\\\\]|\\\\.)*"$', 1],
    ["^(?!.*--)[a-z-]+$", 1],
    ["^\\s+|\\s+$", 2],
    ["\\s+$", 2],
    ["[a-z]+\\d", 2],
    ["(a+b)*c", 2],
    ["a*a*$", 3],
    ["^a*b*a*$", 2],
    ["^[^@]+@[^@]+\\.[^@]+$", 2],
    ["^\\S+@\\S+\\.\\S+$", 3],
    ["^.*a.*b.*c$", 3],
    ["^(a+)+$", "exponential"],
    ["^(\\w+\\s?)*$", "exponential"],
    ["^(a|b|ab)*c$", "exponential"],
    ["(x+x+)+y", "exponential"],
    ["^(a?){50}a{50}$", "exponential"],
    ["^(?:[a-z0-9]+-?)*$", "exponential"],
    ["^(\\p{L}|\\p{Lu})*$", "exponential"],
    ["^(x{2,3})+$", "exponential"],
    ["^(a*b)*$", 1],
  ];
  for (const [pattern, verdict] of verdicts) assert.equal(verdictOf(pattern), verdict, pattern);
});

test("what is around a match, and what repeats one, is judged as far as it can be told", () => {
  const verdicts: readonly (readonly [string, number | string])[] = [
    // A lookahead is gone through once wherever it is met, and never gone back into.
    ["^(?=.*a)(?=.*b).{8,}$", 1],
    ["^(?:(?=.*x)a)*$", 2],
    ["^(?=(a+)+$)b", "exponential"],
    ["(?<=(a+)+)b", "exponential"],
    ["^(['\"]).*?\\1$", 2],
    ["^(?:(a)\\1)*$", "exponential"],
    ["^(?:(?:a?)+,)*$", "exponential"],
    ["^(?:a?b?)*$", "exponential"],
    ["^(?:|a|){9}$", 1],
    ["^(?i:a+(-A+)*)$", 1],
    ["^(?i:(a|A)*)$", "exponential"],
    ["^(?:(?:){1000}){1000}$", 1],
    ["", 1],
  ];
  for (const [pattern, verdict] of verdicts) assert.equal(verdictOf(pattern), verdict, pattern);
});

test("the longest text is such that its length to the power of the degree is at most 10^8 steps", () => {
  const longest = ["^a$", "a+$", "^.+@.+@.+$", "^.+@.+@.+@.+$", "^.+@.+@.+@.+@.+$"].map(matchedLengthMax);
  assert.deepEqual(longest, [10_000, 10_000, 464, 100, 39]);
  assert.match(patternFault("^a*a*a*a*a*a*a*a*a*$") ?? "", /may take \d+ \* N\^9 steps\. Write its repetitions so/);
  assert.equal(matchedLengthMax("^(?:a?){20}$"), 1_907, "ways that do not hang on the text count too");
});

test("every pattern of Zod's own formats is taken, for texts of 10000 characters", () => {
  const made = [regexes.uuid(), regexes.uuid(4), regexes.mac(), regexes.time({}), regexes.datetime({}), regexes.datetime({ offset: true, local: true })];
  const patterns = [...Object.values(regexes), ...made].filter((one) => one instanceof RegExp);
  // This one is written for no flag at all.
  const own = patterns.filter((one) => one !== regexes.rfc5322Email && one.flags !== "i");
  assert.ok(own.length > 50, `only ${own.length} patterns were seen`);
  for (const { source } of own) assert.deepEqual([patternFault(source), matchedLengthMax(source)], [undefined, 10_000], source);
});

test("the sets of escapes begin and end where the engine says", () => {
  for (const set of [".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S"])
    assert.deepEqual(
      scanBorders(set).filter((border) => !escapeBorders.includes(border)),
      [],
      set,
    );
});
