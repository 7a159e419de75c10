import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { repository } from "../../tools/source-files.ts";

const entry = join(repository, "examples/earthquakes/main.ts");

interface Ending {
  readonly code: number | null;
  readonly text: string;
}

/** Runs the example to its end; `onLine` may stop it. */
function runExample(args: readonly string[], onLine: (line: string, stop: () => void) => void = () => undefined): Promise<Ending> {
  const child = spawn(process.execPath, [entry, ...args], { cwd: repository, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      onLine(line, () => child.kill("SIGINT"));
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text: lines.join("\n") }));
  });
}

function checkReport(text: string): void {
  assert.match(text, /^All checks hold, after/m, text);
  assert.doesNotMatch(text, /✘/);
  for (const line of [
    /✔ in the log +8,191$/m,
    /✔ rows in the table +1,707$/m,
    /✔ rows in the table +3,191$/m,
    /9 × record\.invalid at title: expected string, received number/,
  ])
    assert.match(text, line);
}

test("the example serves until Ctrl-C; another beside it takes another port, and ends by itself with --once", async () => {
  const answers = Promise.withResolvers<string>();
  let health: Promise<unknown> | undefined;
  const serving = runExample([], (line, stop) => {
    const url = /^It answers at (\S+)/.exec(line)?.[1];
    if (url !== undefined) answers.resolve(url);
    if (line.startsWith("It goes on serving until Ctrl-C")) health = readHealth(answers.promise).finally(stop);
  });
  serving.then(({ text }) => answers.reject(new Error(text)), answers.reject);
  await answers.promise;
  const once = await runExample(["--once"]);
  assert.equal(once.code, 0, once.text);
  assert.match(once.text, /Port 7070 is taken/);
  checkReport(once.text);
  const served = await serving;
  assert.equal(served.code, 0, served.text);
  checkReport(served.text);
  assert.deepEqual(await health, { status: "ok", reasons: [] });
});

async function readHealth(url: Promise<string>): Promise<unknown> {
  return (await fetch(`${await url}/health`)).json();
}
