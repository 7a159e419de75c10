// What the README shows is run, in the order in which it stands, in a folder of its own with a platform of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { repository } from "../../tools/source-files.ts";
import { cliEntry, startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";
import { parseSnippets, type Snippet } from "./snippets.ts";

const usualUrl = "http://127.0.0.1:7070";
const eventuallyMsMax = 60_000;

const guide = (await readdir(join(repository, "docs/guide"))).filter((name) => name.endsWith(".md")).map((name) => `docs/guide/${name}`);
const pages: { readonly page: string; readonly snippets: readonly Snippet[] }[] = [];
for (const page of ["README.md", ...guide]) pages.push({ page, snippets: parseSnippets(await readFile(join(repository, page), "utf8")) });

for (const { page, snippets } of pages.filter((one) => one.snippets.some(({ kind }) => kind.kind === "run"))) {
  test(`what ${page} shows is what happens`, async () => {
    await using folder = await temporaryFolder();
    await prepareFolder(folder.path);
    let platform: RunningPlatform | undefined;
    try {
      for (const [index, snippet] of snippets.entries()) {
        const text = snippet.text.replaceAll(usualUrl, platform?.url ?? usualUrl);
        if (snippet.kind.kind === "file") await writeFile(join(folder.path, snippet.kind.name), text);
        if (snippet.kind.kind === "server") {
          assert.equal(text.trim(), "npx mainstem dev");
          assert.equal(platform, undefined, "the page starts Mainstem once");
          platform = await startPlatform({ cwd: folder.path });
        }
        if (snippet.kind.kind === "run")
          await runSnippet({ ...snippet, text }, { folder: folder.path, url: platform?.url, output: outputOf(snippets[index + 1]) });
      }
    } finally {
      await platform?.[Symbol.asyncDispose]();
    }
  });
}

test("the README shows commands, files and outputs, all of them tried above", () => {
  const kinds = new Set(pages.find(({ page }) => page === "README.md")?.snippets.map(({ kind }) => kind.kind));
  assert.deepEqual([...kinds].sort(), ["elsewhere", "file", "output", "run", "server"]);
});

test("the README's two commands are scripts, and its program is the package's", async () => {
  const { scripts } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as { readonly scripts: Readonly<Record<string, string>> };
  assert.ok(scripts["start"] !== undefined && scripts["test"] !== undefined);
  const mainstem = join(repository, "packages/mainstem/package.json");
  const { bin } = JSON.parse(await readFile(mainstem, "utf8")) as { readonly bin: { readonly mainstem: string } };
  assert.equal(join(dirname(mainstem), bin.mainstem), cliEntry);
  assert.match(await readFile(cliEntry, "utf8"), /^#!\/usr\/bin\/env node\n/);
});

/** As a folder inside a clone: packages are found, `npx mainstem` is the clone's. */
async function prepareFolder(folder: string): Promise<void> {
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  await mkdir(join(folder, "bin"));
  const npx = join(folder, "bin", "npx");
  await writeFile(npx, `#!/bin/sh\n[ "$1" = mainstem ] || exit 127\nshift\nexec "${process.execPath}" "${cliEntry}" "$@"\n`);
  await chmod(npx, 0o755);
}

function outputOf(next: Snippet | undefined): string | undefined {
  return next?.kind.kind === "output" ? next.text.trimEnd() : undefined;
}

interface Place {
  readonly folder: string;
  readonly url: string | undefined;
  readonly output: string | undefined;
}

async function runSnippet(snippet: Snippet, place: Place): Promise<void> {
  assert.ok(snippet.kind.kind === "run");
  const { exitCode, eventually } = snippet.kind;
  for (const deadline = Date.now() + eventuallyMsMax; ; await sleep(250)) {
    const result = await runShell(snippet.text, place);
    const asShown = result.code === exitCode && (place.output === undefined || result.output.trimEnd() === place.output);
    if (asShown) return;
    if (eventually && Date.now() < deadline) continue;
    assert.deepEqual(
      { code: result.code, output: result.output.trimEnd() },
      { code: exitCode, output: place.output ?? "" },
      `line ${snippet.line}: ${snippet.text}${result.errors}`,
    );
  }
}

function runShell(script: string, { folder, url }: Place): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
  const path = [join(folder, "bin"), dirname(process.execPath), process.env["PATH"]].join(":");
  const child = spawn("sh", ["-ec", script], { cwd: folder, env: { ...process.env, PATH: path, ...(url === undefined ? {} : { MAINSTEM_SERVER: url }) } });
  let output = "";
  let errors = "";
  child.stdout.on("data", (part: Buffer) => (output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
  });
}
