// Programs in Python, in a process of their own that is told when to run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openPythonEnvironment } from "../../tools/services/python.ts";
import type { Contender } from "../harness.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * A script of this folder that gets a folder with files and a number of rounds, runs once for each line on its standard input, and answers with its times.
 * Rejects where there is no Python.
 */
export async function openPythonPeer(
  name: string,
  {
    script,
    files,
    rounds,
    records,
  }: { readonly script: string; readonly files: Readonly<Record<string, Uint8Array | string>>; readonly rounds: number; readonly records: number },
): Promise<Contender & AsyncDisposable> {
  const { python } = await openPythonEnvironment("bench", here("python-requirements.txt"));
  const directory = mkdtempSync(join(tmpdir(), "mainstem-bench-"));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content);
  const child = spawn(python, [here(script), directory, String(rounds)], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout });
  const run = async () => {
    child.stdin.write("run\n");
    const [answer] = (await once(answers, "line")) as [string];
    const { cpu, wall } = JSON.parse(answer) as { readonly cpu: number; readonly wall: number };
    return { units: rounds * records, cpuSeconds: cpu, wallSeconds: wall };
  };
  const close = async () => {
    child.stdin.end();
    await once(child, "exit");
    rmSync(directory, { recursive: true, force: true });
  };
  return { name, run, [Symbol.asyncDispose]: close };
}
