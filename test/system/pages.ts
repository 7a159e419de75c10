import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { repository } from "../../tools/source-files.ts";
import { cliEntry, startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";
import { matchOutput, type Snippet } from "./snippets.ts";

const usualUrl = "http://127.0.0.1:7070";
const eventuallyMsMax = 120_000;

/** Where pages find the platforms that they start. */
export interface Platforms extends AsyncDisposable {
  /** What the command of a page starts; the one that runs, unless it was ended. */
  start(command: string): Promise<RunningPlatform>;
}

/** With a directory for one page, which may end them; without, in one of their own for several pages at a time, each with names of its own. */
export function openPlatforms({ cwd, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {}): Platforms {
  const stack = new AsyncDisposableStack();
  const shared = new Map<string, Promise<RunningPlatform>>();
  const begin = async (args: readonly string[]): Promise<RunningPlatform> =>
    stack.use(await startPlatform({ cwd: cwd ?? stack.use(await temporaryFolder()).path, env, args }));
  return {
    async start(command) {
      const text = /^npx mainstem dev(?<args>( [\w./-]+)*)\n$/.exec(command)?.groups?.["args"];
      assert.ok(text !== undefined, `a page starts Mainstem with npx mainstem dev, not with ${command}`);
      const args = text.split(" ").filter((arg) => arg !== "");
      if (cwd !== undefined) return begin(args);
      if (!shared.has(text)) shared.set(text, begin(args));
      return shared.get(text) as Promise<RunningPlatform>;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A folder inside a clone: packages are found, `npx mainstem` is the clone's, `npx node` the Node that it installed. */
export async function openPageFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const npx = join(folder.path, "bin", "npx");
  await mkdir(dirname(npx));
  await writeFile(join(folder.path, "package.json"), '{ "type": "module" }\n');
  await symlink(join(repository, "node_modules"), join(folder.path, "node_modules"));
  await writeFile(
    npx,
    `#!/bin/sh\nname=$1\nshift\ncase $name in\nmainstem) exec "${process.execPath}" "${cliEntry}" "$@" ;;\nnode) exec "${process.execPath}" "$@" ;;\nesac\nexit 127\n`,
  );
  await chmod(npx, 0o755);
  return folder;
}

/** Does what a page says, in the order in which it stands. */
export async function runPage(snippets: readonly Snippet[], { folder, platforms }: { readonly folder: string; readonly platforms: Platforms }): Promise<void> {
  let platform: RunningPlatform | undefined;
  const seen = new Map<string, string>();
  for (const [index, { kind, ...snippet }] of snippets.entries()) {
    const asSeen = (shown: string): string => [...seen].reduce((text, [word, actual]) => text.replaceAll(word, actual), shown);
    const text = asSeen(snippet.text.replaceAll(usualUrl, platform?.url ?? usualUrl));
    switch (kind.kind) {
      case "file":
        await mkdir(dirname(join(folder, kind.name)), { recursive: true });
        await writeFile(join(folder, kind.name), text);
        break;
      case "server":
        assert.equal(platform, undefined, "Mainstem runs already");
        platform = await platforms.start(text);
        break;
      case "stop":
        assert.equal((await platform?.kill("SIGTERM"))?.code, 0, platform?.said());
        platform = undefined;
        break;
      case "run": {
        const next = snippets[index + 1];
        const expected = next?.kind.kind === "output" ? { shown: asSeen(next.text), varies: next.kind.varies } : undefined;
        const found = await runSnippet({ ...snippet, kind, text }, { folder, url: platform?.url, expected });
        for (const [shown, actual] of found) seen.set(shown, actual);
        break;
      }
      case "output":
      case "elsewhere":
        break;
      default:
        kind satisfies never;
    }
  }
}

interface Place {
  readonly folder: string;
  readonly url: string | undefined;
  readonly expected: { readonly shown: string; readonly varies: readonly string[] } | undefined;
}

/** The words that stand for those that vary. */
async function runSnippet({ kind, line, text }: Snippet, { folder, url, expected }: Place): Promise<ReadonlyMap<string, string>> {
  assert.ok(kind.kind === "run");
  for (const deadline = Date.now() + eventuallyMsMax; ; await sleep(500)) {
    const { code, errors, ...said } = await runShell(text, { folder, url });
    // What a terminal shows; of what goes well, standard error is only for people who wait.
    const output = code === 0 ? said.output : said.output + errors;
    const found = expected === undefined ? new Map<string, string>() : matchOutput(output, expected);
    if (code === kind.exitCode && found !== undefined) return found;
    if (kind.eventually && Date.now() < deadline) continue;
    const wanted: unknown = { code: kind.exitCode, output: expected?.shown.trimEnd() ?? output.trimEnd() };
    assert.deepEqual({ code, output: output.trimEnd() }, wanted, `line ${line}: ${text}${errors}`);
    assert.fail(`line ${line}: what varies is not where it stands on the page`);
  }
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function runShell(script: string, { folder, url }: Pick<Place, "folder" | "url">): Promise<Ended> {
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
