// The packages as they are published: packed, installed by npm into a folder that knows nothing of this repository, and used as the project's README says.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { packAll } from "../../tools/pack.ts";
import { repository } from "../../tools/source-files.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";
import { matchOutput, parseSnippets } from "./snippets.ts";

const eventuallyMsMax = 120_000;
const quick = { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" };

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a line as a person would, with Node 24 and npm's own cache. */
function shell(script: string, { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }): Promise<Ended> {
  const own = {
    PATH: [dirname(process.execPath), process.env["PATH"]].join(":"),
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
    npm_config_fund: "false",
  };
  // A test runner within a test runner must not take itself for one of its files.
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  const child = spawn("sh", ["-ec", script], { cwd, env: { ...rest, ...own, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (part: Buffer) => (output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
  });
}

async function succeed(script: string, place: Parameters<typeof shell>[1]): Promise<string> {
  const { code, output, errors } = await shell(script, place);
  assert.equal(code, 0, `${script}\n${output}${errors}`);
  return output;
}

test("packed, installed and set up by mainstem init, a project does what its README says", async () => {
  await using packages = await temporaryFolder();
  await using project = await temporaryFolder();
  const cwd = project.path;
  const tarballs = packAll(packages.path);
  await writeFile(join(cwd, "package.json"), '{ "name": "a-shop", "private": true }\n');
  await succeed(`npm install ${tarballs.join(" ")}`, { cwd });

  const made = JSON.parse(await succeed("npx mainstem init --json", { cwd })) as { readonly files: readonly string[]; readonly install: boolean };
  assert.ok(made.files.includes("datasets/orders.ts") && made.files.includes(".gitignore"), made.files.join());
  assert.equal(made.install, true, "typescript is not there yet");
  const manifest = JSON.parse(await readFile(join(cwd, "package.json"), "utf8")) as {
    readonly name: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  assert.equal(manifest.name, "a-shop");
  assert.match(manifest.dependencies["mainstem"] ?? "", /^file:/, "what was there stays");
  const again = await shell("npx mainstem init", { cwd });
  assert.deepEqual([again.code, / has .*datasets\/orders\.ts already; nothing was written/.test(again.errors)], [1, true], again.errors);

  const snippets = parseSnippets(await readFile(join(cwd, "README.md"), "utf8"));
  assert.equal(snippets.filter(({ kind }) => kind.kind === "run").length, 4);
  let platform: RunningPlatform | undefined;
  try {
    for (const [index, { kind, text, line }] of snippets.entries()) {
      if (kind.kind === "server") platform = await startPlatform({ cwd, env: quick, entry: join(cwd, "node_modules/mainstem/dist/cli/main.js") });
      if (kind.kind !== "run") continue;
      const next = snippets[index + 1];
      const env: Readonly<Record<string, string>> = platform === undefined ? {} : { MAINSTEM_SERVER: platform.url };
      for (const deadline = Date.now() + eventuallyMsMax; ; await sleep(500)) {
        const { code, output, errors } = await shell(text, { cwd, env });
        const fits = next?.kind.kind !== "output" || matchOutput(output, { shown: next.text, varies: [] }) !== undefined;
        if (code === kind.exitCode && fits) break;
        if (!kind.eventually || Date.now() > deadline) assert.fail(`README.md, line ${line}: ended with ${code}\n${output}${errors}`);
      }
    }
    const page = await fetch(`${platform?.url}/`);
    assert.match(`${page.status} ${await page.text()}`, /^200 <!doctype html>/i);
    assert.equal((await platform?.kill("SIGTERM"))?.code, 0, platform?.said());
  } finally {
    await platform?.[Symbol.asyncDispose]();
  }

  await succeed("npm run types -- --skipLibCheck false", { cwd });
  assert.match(await succeed("npx mainstem --version", { cwd }), /^\d+\.\d+\.\d+\n$/);
  for (const name of ["mainstem", "@mainstem/client", "@mainstem/contract"]) {
    const folder = join(cwd, "node_modules", name);
    const readme = await readFile(join(folder, "README.md"), "utf8");
    assert.match(readme, new RegExp(`^# ${name}\n`));
    for (const [, link = ""] of readme.matchAll(/\]\((?!https?:)([^)#]+)/g)) await readFile(join(folder, link));
  }
  await mkdir(join(cwd, "another"));
  await writeFile(join(cwd, "another/README.md"), "Our own.\n");
  const another = JSON.parse(await succeed("npx mainstem init another --json", { cwd })) as Readonly<Record<string, unknown>>;
  assert.deepEqual([another["install"], another["packIn"], another["kept"]], [true, undefined, ["README.md"]]);
  assert.equal(await readFile(join(cwd, "another/README.md"), "utf8"), "Our own.\n");
  await succeed("npm install && npx mainstem --version", { cwd: join(cwd, "another") });
});

test("a package that is packed as it lies in the repository is refused", async () => {
  const { code, errors } = await shell("npm pack --dry-run", { cwd: join(repository, "packages/contract") });
  assert.notEqual(code, 0);
  assert.match(errors, /npm run pack-all/);
});
