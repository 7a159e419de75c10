// Python's quick JSON parser and its Avro writer written in C, in a process of their own that is told when to run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openPythonEnvironment } from "../../tools/services/python.ts";
import type { Contender } from "../harness.ts";
import type { Shape } from "./shapes.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** orjson and fastavro over the same lines; its writer refuses what does not fit the schema, so that nothing is validated twice. Rejects where there is no Python. */
export async function openPythonPeer({ body, type, lines }: Shape, rounds: number): Promise<Contender & AsyncDisposable> {
  const { python } = await openPythonEnvironment("bench", here("python-requirements.txt"));
  const directory = mkdtempSync(join(tmpdir(), "mainstem-bench-"));
  writeFileSync(join(directory, "lines"), body);
  writeFileSync(join(directory, "schema"), JSON.stringify(type.schema({ exportAttrs: true })));
  const child = spawn(python, [here("python-peer.py"), directory, String(rounds)], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout });
  const run = async () => {
    child.stdin.write("run\n");
    const [answer] = (await once(answers, "line")) as [string];
    const { cpu, wall } = JSON.parse(answer) as { readonly cpu: number; readonly wall: number };
    return { units: rounds * lines.length, cpuSeconds: cpu, wallSeconds: wall };
  };
  const close = async () => {
    child.stdin.end();
    await once(child, "exit");
    rmSync(directory, { recursive: true, force: true });
  };
  return { name: "Python orjson, fastavro", run, [Symbol.asyncDispose]: close };
}
