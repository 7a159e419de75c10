import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makePages } from "./reference.ts";
import { repository } from "./source-files.ts";

/** The formatter fills the columns of tables with blanks and dashes. */
function normalise(text: string): string {
  return text.replace(/ +/g, " ").replace(/-{3,}/g, "---").trim();
}

for (const { path, text } of makePages())
  test(`${path} says what the code says`, () => {
    assert.equal(normalise(readFileSync(join(repository, path), "utf8")), normalise(text), "run `node tools/reference.ts` and `npm run format`");
  });
