import assert from "node:assert/strict";
import { test } from "node:test";
import { toPrintable, wantsColor } from "./terminal.ts";
import { formatBytes, formatCount, formatFacts, formatTable, toCell } from "./text-table.ts";
import { cutToWidth, widthOf } from "./text-width.ts";

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

test("never cuts a column that is to be kept: others give way, then each row is a block of its own", () => {
  const kept = [{ title: "name", keep: true }, { title: "about" }];
  const row = ["a.rather.long.name", "a text that gives way"];
  assert.deepEqual(formatTable(kept, [row], { width: 28 }), ["name                about", "a.rather.long.name  a text …"]);
  assert.deepEqual(formatTable(kept, [row], { width: 25 }), [`── 1 ${"─".repeat(20)}`, "name   a.rather.long.name", "about  a text that gives…"]);
});

test("leaves optional columns out, the last one first, where the others have no room", () => {
  const some = [{ title: "name", keep: true }, { title: "", optional: true }, { title: "rate", optional: true }, { title: "about" }];
  const paint = (cell: string, column: number): string => (column === 3 ? `<${cell}>` : cell);
  const row = ["shop.orders", "half", "9/s", "late"];
  assert.deepEqual(formatTable(some, [row], { width: 30 }), ["name               rate  about", "shop.orders  half  9/s   late"]);
  assert.deepEqual(formatTable(some, [row], { width: 29, paint }), ["name               about", "shop.orders  half  <late>"]);
  assert.deepEqual(formatTable(some, [row], { width: 20 }), ["name         about", "shop.orders  late"]);
  assert.deepEqual(formatTable(some, [["shop.orders", "", "9/s", ""]]), ["name         rate  about", "shop.orders  9/s"], "an empty column without a title");
});

test("breaks facts between words, and cuts none of them", () => {
  const facts = [
    ["about", "rows as they are now"],
    ["metadata", "file:///srv/data/00001.json"],
  ] as const;
  assert.deepEqual(formatFacts(facts, { width: 20 }), ["about     rows as", "          they are", "          now", "metadata  file:///srv/data/00001.json"]);
  assert.deepEqual(formatFacts(facts), ["about     rows as they are now", "metadata  file:///srv/data/00001.json"]);
});

test("cuts nothing where there is no screen", () => {
  const long = "x".repeat(500);
  assert.equal(formatTable([{ title: "t" }], [[long]])[1], long);
});

test("gives each row a block of its own on a screen that is too narrow for all columns", () => {
  const many = Array.from({ length: 5 }, (_, index) => ({ title: `column ${index}` }));
  const lines = formatTable(many, [["a", "b", "a text that is too long", "", "e"], ["f"]], { width: 24 });
  assert.deepEqual(lines.slice(0, 6), [`── 1 ${"─".repeat(19)}`, "column 0  a", "column 1  b", "column 2  a text that i…", "column 3", "column 4  e"]);
  assert.equal(lines.length, 12);
  for (const line of lines) assert.ok(widthOf(line) <= 24, line);
});

test("colours cells without changing their width", () => {
  const paint = (cell: string, column: number): string => (column === 0 ? `<${cell}>` : cell);
  assert.deepEqual(
    formatTable(
      [{ title: "a" }, { title: "b" }],
      [
        ["x", "y"],
        ["xxx", ""],
      ],
      { paint },
    ),
    ["a    b", "<x  >  y", "<xxx>"],
  );
});

test("lets no value move the cursor or change the colour of the screen", () => {
  assert.equal(toPrintable("a\u001b[31mred\u009b0m\r\n\tb\u2028"), "a\\u001b[31mred\\u009b0m\\u000d\\n\\tb\\u2028");
  assert.deepEqual(formatTable([{ title: "t" }], [["one\ntwo"]]), ["t", "one\\ntwo"]);
});

test("counts the columns that a screen gives to letters, not their units", () => {
  assert.deepEqual(["abc", "é", "e\u0301", "🌍", "👩‍👩‍👧", "漢字", "ﾊ", "⚠️"].map(widthOf), [3, 1, 1, 2, 2, 4, 1, 2]);
  assert.deepEqual(
    ["漢字", "abc", "🌍🌍"].map((text) => cutToWidth(text, 3)),
    ["漢…", "abc", "🌍…"],
  );
  assert.deepEqual(
    formatTable(
      [{ title: "t" }, { title: "u" }],
      [
        ["🌍🌍", "x"],
        ["abc", "y"],
      ],
    ),
    ["t     u", "🌍🌍  x", "abc   y"],
  );
});

test("writes values, counts and sizes as people read them", () => {
  assert.deepEqual([null, 1.5, "a", { a: 1 }, true].map(toCell), ["", "1.5", "a", '{"a":1}', "true"]);
  assert.equal(formatCount(1_234_567), "1,234,567");
  assert.deepEqual([0, 999, 1_000, 123_456, 4_000_000_000].map(formatBytes), ["0 B", "999 B", "1.0 KB", "123 KB", "4.0 GB"]);
});

test("uses colours only on a screen that has them, where nobody refused, or where somebody asked", () => {
  const wanted = { choice: "auto", env: {}, isTty: true } as const;
  assert.equal(wantsColor(wanted), true);
  for (const without of [
    { choice: "never" as const },
    { isTty: false },
    { env: { NO_COLOR: "1" } },
    { env: { TERM: "dumb" } },
    { env: { NO_COLOR: "1", FORCE_COLOR: "1" } },
  ])
    assert.equal(wantsColor({ ...wanted, ...without }), false);
  for (const asked of [{ choice: "always" as const, env: { NO_COLOR: "1" } }, { env: { FORCE_COLOR: "1" } }])
    assert.equal(wantsColor({ ...wanted, isTty: false, ...asked }), true);
});
