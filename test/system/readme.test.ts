// What the README, the guide and the pages on operations show is run, in the order in which it stands, each page in a folder of its own.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, suite, test } from "node:test";
import { repository } from "../../tools/source-files.ts";
import { openPageFolder, openPlatforms, runPage } from "./pages.ts";
import { cliEntry } from "./running-platform.ts";
import { matchOutput, parseSnippets, type Snippet } from "./snippets.ts";

const pagesOf = async (folder: string): Promise<readonly string[]> =>
  (await readdir(join(repository, folder))).filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
const pages: { readonly page: string; readonly snippets: readonly Snippet[] }[] = [];
for (const page of [
  "README.md",
  "packages/client/README.md",
  "packages/contract/README.md",
  ...(await pagesOf("docs/guide")),
  ...(await pagesOf("docs/operations")),
])
  pages.push({ page, snippets: parseSnippets(await readFile(join(repository, page), "utf8")) });

/** What the README starts is as it says; elsewhere nobody has to wait for seconds. */
const env = { MAINSTEM_ARCHIVE_EVERY: "300ms", MAINSTEM_TABLES_EVERY: "300ms" };
/** Most of the time is waiting. */
const pagesAtATime = 3;

suite("what the pages show is what happens", { concurrency: pagesAtATime }, () => {
  const shared = openPlatforms({ env });
  after(() => shared[Symbol.asyncDispose]());
  for (const { page, snippets } of pages.filter((one) => one.snippets.some(({ kind }) => kind.kind === "run")))
    test(page, async () => {
      await using folder = await openPageFolder();
      await using own = openPlatforms({ cwd: folder.path, ...(page === "README.md" ? {} : { env }) });
      await runPage(snippets, { folder: folder.path, platforms: isOwner(page, snippets) ? own : shared });
    });
});

function isOwner(page: string, snippets: readonly Snippet[]): boolean {
  return page === "README.md" || snippets.some(({ kind }) => kind.kind === "stop");
}

test("pages that share a server declare no dataset of one name: whichever came second would fail", () => {
  const declared = pages
    .filter(({ page, snippets }) => !isOwner(page, snippets))
    .flatMap(({ snippets }) => [...new Set(snippets.filter(({ kind }) => kind.kind === "file").flatMap(({ text }) => namesDeclared(text)))]);
  assert.ok(declared.length > 5);
  assert.deepEqual(declared, [...new Set(declared)]);
});

/** In TypeScript, JSON and YAML. */
function namesDeclared(text: string): readonly string[] {
  return [...text.matchAll(/\bname"?: *"?(?<name>[a-z]\w*\.\w+)/g)].map((match) => match.groups?.["name"] ?? "");
}

test("an output is the one that is shown, but for the words that vary", () => {
  const shown = "wrote a.ts (3)\nid 0a1b  at 12:00\n";
  assert.ok(matchOutput("wrote a.ts (3)\nid 0a1b  at 12:00\n\n", { shown, varies: [] }) !== undefined);
  assert.equal(matchOutput("wrote axts (3)\nid 0a1b  at 12:00", { shown, varies: [] }), undefined);
  assert.deepEqual(
    matchOutput("wrote a.ts (3)\nid ffff at 13:30", { shown, varies: ["0a1b", "12:00"] }),
    new Map(Object.entries({ "0a1b": "ffff", "12:00": "13:30" })),
  );
  assert.equal(matchOutput("wrote axts (3)\nid ffff at 13:30", { shown, varies: ["0a1b", "12:00"] }), undefined);
  assert.equal(matchOutput("wrote a.ts (3)\nid ff ff at 13:30", { shown, varies: ["0a1b", "12:00"] }), undefined);
});

test("every link between pages leads somewhere, and the guide names all of its pages", async () => {
  const folders = ["docs/guide", "docs/formats", "docs/operations", "docs/reference"];
  const texts = new Map<string, string>();
  for (const folder of folders)
    for (const name of await readdir(join(repository, folder)))
      if (name.endsWith(".md")) texts.set(join(folder, name), await readFile(join(repository, folder, name), "utf8"));
  for (const page of [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "packages/client/README.md",
    "packages/contract/README.md",
    "packages/mainstem/README.md",
  ])
    texts.set(page, await readFile(join(repository, page), "utf8"));
  const linksOf = (page: string): readonly string[] =>
    [...(texts.get(page) ?? "").matchAll(/\]\((?!https?:|#)(?<target>[^)#\s]+)/g)].map((match) => join(dirname(page), match.groups?.["target"] ?? ""));
  const broken = [...texts.keys()].flatMap((page) => linksOf(page).flatMap((target) => (existsSync(join(repository, target)) ? [] : [`${page}: ${target}`])));
  assert.deepEqual(broken, []);
  for (const index of ["docs/guide/README.md", "docs/formats/README.md"]) {
    const named = new Set(linksOf(index));
    const lost = [...texts.keys()].filter((page) => dirname(page) === dirname(index) && page !== index && !named.has(page));
    assert.deepEqual(lost, [], index);
  }
});

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
