import assert from "node:assert/strict";
import { test } from "node:test";
import { toPrintable, wantsColor } from "./terminal.ts";
import { formatBytes, formatCount, formatTable, toCell } from "./text-table.ts";

const columns = [{ title: "name" }, { title: "rows", align: "right" as const }, { title: "about" }];

test("aligns titles and cells, numbers to the right, without trailing blanks", () => {
  assert.deepEqual(
    formatTable(columns, [
      ["a", "1", "x"],
      ["longer", "1000", ""],
    ]),
    ["name    rows  about", "a          1  x", "longer  1000"],
  );
});

test("takes from the widest column until the table fits the screen", () => {
  const lines = formatTable(columns, [["short", "7", "a text that is far too long for the screen that there is"]], { width: 30 });
  assert.deepEqual(lines, ["name   rows  about", "short     7  a text that is f…"]);
  assert.ok(lines.every((line) => Array.from(line).length <= 30));
});

test("cuts nothing where there is no screen", () => {
  const long = "x".repeat(500);
  assert.equal(formatTable([{ title: "t" }], [[long]])[1], long);
});

test("keeps a column readable on a screen that is too narrow for all of them", () => {
  const many = Array.from({ length: 12 }, (_, index) => ({ title: `column ${index}` }));
  const [titles = ""] = formatTable(many, [], { width: 20 });
  assert.ok(titles.includes("colum…"), titles);
});

test("lets no value move the cursor or change the colour of the screen", () => {
  assert.equal(toPrintable("a\u001b[31mred\u009b0m\r\n\tb\u2028"), "a\\u001b[31mred\\u009b0m\\u000d\\n\\tb\\u2028");
  assert.deepEqual(formatTable([{ title: "t" }], [["one\ntwo"]]), ["t", "one\\ntwo"]);
});

test("counts characters, not UTF-16 units", () => {
  assert.deepEqual(
    formatTable(
      [{ title: "t" }, { title: "u" }],
      [
        ["🌍🌍", "x"],
        ["abc", "y"],
      ],
    ),
    ["t    u", "🌍🌍   x", "abc  y"],
  );
});

test("writes values, counts and sizes as people read them", () => {
  assert.deepEqual([null, 1.5, "a", { a: 1 }, true].map(toCell), ["", "1.5", "a", '{"a":1}', "true"]);
  assert.equal(formatCount(1_234_567), "1,234,567");
  assert.deepEqual([0, 999, 1_000, 123_456, 4_000_000_000].map(formatBytes), ["0 B", "999 B", "1.0 KB", "123 KB", "4.0 GB"]);
});

test("uses colours only on a screen that has them, and where nobody refused", () => {
  const wanted = { flag: true, env: {}, isTty: true };
  assert.equal(wantsColor(wanted), true);
  for (const without of [{ flag: false }, { isTty: false }, { env: { NO_COLOR: "1" } }, { env: { TERM: "dumb" } }])
    assert.equal(wantsColor({ ...wanted, ...without }), false);
});
