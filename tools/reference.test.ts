import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makePages } from "./reference.ts";
import { repository } from "./source-files.ts";

/** The formatter fills the columns of tables with blanks and dashes, and escapes what Markdown might take for its own. */
function normalise(text: string): string {
  return text
    .replace(/ +/g, " ")
    .replace(/-{3,}/g, "---")
    .replace(/\\(?=[_*<|])/g, "")
    .trim();
}

const pages = await makePages();

for (const { path, text } of pages)
  test(`${path} says what the code says`, () => {
    let written = "";
    try {
      written = readFileSync(join(repository, path), "utf8");
    } catch {
      // Then it is out of date too.
    }
    assert.ok(normalise(written) === normalise(text), `${path} is out of date; this writes it again: npm run reference`);
  });

test("every page of the reference is made from the code", async () => {
  assert.deepEqual((await readdir(join(repository, "docs/reference"))).sort(), pages.map(({ path }) => path.replace("docs/reference/", "")).sort());
});
