// Writes the reference pages that are made from the code: `npm run reference`. `tools/reference.test.ts` says when they are out of date.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cliPage } from "./reference/cli-page.ts";
import { configurationPage } from "./reference/configuration-page.ts";
import { errorsPage } from "./reference/errors-page.ts";
import { httpPage } from "./reference/http-page.ts";
import type { Page } from "./reference/page.ts";
import { repository } from "./source-files.ts";

export async function makePages(): Promise<readonly Page[]> {
  return [cliPage(), configurationPage(), await httpPage(), errorsPage()];
}

if (import.meta.main) {
  const pages = await makePages();
  for (const { path, text } of pages) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
  }
  // The formatter fills the columns of tables.
  const { status } = spawnSync(
    join(repository, "node_modules/.bin/oxfmt"),
    pages.map(({ path }) => path),
    { cwd: repository, stdio: ["ignore", "ignore", "inherit"] },
  );
  for (const { path } of pages) console.log(`wrote ${path}`);
  process.exitCode = status ?? 1;
}
