// The house rules that no other tool checks, as code: who may import whom, what files are called, which words do not belong here.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { codes } from "../packages/mainstem/src/runtime/errors.ts";
import { repository } from "./source-files.ts";
import { showFindings } from "./tidy/finding.ts";
import { inspect } from "./tidy/inspect.ts";

/** Each rule with the title of its test. */
const rules = {
  room: "rooms import only the rooms that they may, through their index.ts",
  driver: "only platform.ts and tests name drivers",
  contract: "the contract is pure",
  boundary: "packages meet by their names",
  cycle: "neither rooms nor files import one another",
  dependency: "every imported package is declared",
  grabBag: "no file or folder is a grab-bag",
  kebab: "files and folders are named in kebab-case",
  length: "no source file is too long",
  front: "an index.ts exports explicit names",
  unfinished: "no word tells of unfinished work",
  skipped: "no test is kept from running",
  suppressed: "no check is silenced without a reason",
  machine: "no file names a path of one machine",
  registry: "no file names a package registry",
  elsewhere: "no file points to pages that are not in the repository",
  words: "no file speaks of how it was written",
  formatVersion: "every page of a format says its version",
  codeUnknown: "every error code that is thrown is listed",
  codeUnused: "every error code that is listed is thrown",
} as const;

const found = inspect(repository, { codes: new Set(Object.keys(codes)) });

for (const [rule, title] of Object.entries(rules)) {
  test(title, () => {
    const findings = found.findings.filter((finding) => finding.rule === rule);
    assert.equal(findings.length, 0, `${findings.length} places:\n${showFindings(findings)}`);
  });
}

test("every finding belongs to a rule that is tested", () => {
  const stray = found.findings.filter((finding) => !(finding.rule in rules));
  assert.deepEqual(stray, []);
});

test("the whole repository was looked at", () => {
  assert.ok(found.seen.sources > 40, `only ${found.seen.sources} source files were seen`);
  assert.ok(found.seen.texts > found.seen.sources, "no text but source files was seen");
  assert.equal(found.seen.manifests, 8, "a package.json was not seen, or a new one needs a number here");
});

test("a repository that breaks every rule is found out", () => {
  const top = mkdtempSync(join(tmpdir(), "mainstem-tidy-"));
  try {
    writeBadRepository(top);
    const bad = inspect(top, { codes: new Set(["log.unused", "log.used"]) });
    const broken = new Set(bad.findings.map((finding) => finding.rule));
    assert.deepEqual([...broken].sort(), Object.keys(rules).sort());
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
});

test("what is right is not found fault with", () => {
  const top = mkdtempSync(join(tmpdir(), "mainstem-tidy-"));
  try {
    write(top, {
      "package.json": `{ "name": "root", "devDependencies": { "fast-check": "4.10.2" } }`,
      "packages/mainstem/package.json": `{ "name": "mainstem", "dependencies": { "fastify": "5.0.0" } }`,
      "packages/mainstem/src/log/index.ts": `export type { Log } from "./log.ts";\n`,
      // Two files of a room may name each other's types; a comment imports nothing.
      "packages/mainstem/src/log/log.ts": `import type { Batch } from "./batch.ts";\n// import { x } from "../server/index.ts";\nexport interface Log { read(): Batch }\n`,
      "packages/mainstem/src/log/batch.ts": `import type { Log } from "./log.ts";\nthrow new MainstemError("log.used", "Bad.");\nexport interface Batch { log: Log }\n`,
      "packages/mainstem/src/log/embedded/open.ts": `import { codes } from "../../runtime/errors.ts";\n`,
      "packages/mainstem/src/runtime/errors.ts": `export const codes = {};\n`,
      "packages/mainstem/src/platform.ts": `import { open } from "./log/embedded/open.ts";\nimport fastify from "fastify";\n`,
      "packages/mainstem/src/ingest/door.ts": `import { type Log } from "../log/index.ts";\n`,
      "packages/mainstem/src/ingest/door.prop.ts": `import fc from "fast-check";\nimport { open } from "../log/embedded/open.ts";\n`,
      "docs/formats/chain.md": "# Chain entries\n\nVersion: 1\n",
    });
    const good = inspect(top, { codes: new Set(["log.used"]) });
    assert.equal(good.findings.length, 0, showFindings(good.findings));
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
});

function writeBadRepository(top: string): void {
  write(top, {
    "package.json": `{ "name": "root", "homepage": "https://registry.example.org/root" }`,
    "packages/contract/src/pure.ts": `import { readFileSync } from "node:fs";\n`,
    "packages/mainstem/package.json": `{ "name": "mainstem" }`,
    "packages/mainstem/src/log/index.ts": `export * from "./log.ts";\n`,
    "packages/mainstem/src/log/log.ts": `import { serve } from "../server/index.ts";\nimport { two } from "./two.ts";\nthrow new MainstemError("log.invented", "No.");\n`,
    "packages/mainstem/src/log/two.ts": `import { log } from "./log.ts";\nimport undici from "undici";\n// @ts-ignore\n`,
    "packages/mainstem/src/server/index.ts": `import { open } from "../log/embedded/open.ts";\nimport { log } from "../log/log.ts";\n`,
    "packages/mainstem/src/utils/index.ts": `const used = "log.used";\n// TODO: all of it, as DESIGN.md says\n`,
    "packages/mainstem/src/LongFile.ts": "\n".repeat(500),
    "packages/mainstem/src/log/log.test.ts": `test.only("x", () => {});\n`,
    "examples/one/main.ts": `import { openPlatform } from "../../packages/mainstem/src/platform.ts";\n`,
    "docs/formats/chain.md": "# Chain entries\n",
    "docs/guide/start.md": ["Look into ", "home/somebody/mainstem, or ask a chatbot.\n"].join("/"),
  });
}

function write(top: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  }
}
