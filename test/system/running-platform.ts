import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The command line's entry, as the package's `bin` names it. */
export const cliEntry = fileURLToPath(new URL("../../packages/mainstem/src/cli/main.ts", import.meta.url));

/** How long a start may take on a machine that is busy with other tests. */
const startMsMax = 180_000;

/** `mainstem dev` in a process of its own: what a SIGKILL hits is the whole platform. */
export interface RunningPlatform extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Ends the process and waits until it is gone and everything that it said is there. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** What it wrote to standard error so far: the last lines of it. */
  said(): string;
}

export async function startPlatform(options: {
  /** Where it runs: the configuration file and the data directory are looked for there. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** The program's file, if it is not the one of this repository. */
  readonly entry?: string;
}): Promise<RunningPlatform> {
  const child = spawn(process.execPath, [options.entry ?? cliEntry, "dev", "--json", "--port", "0", ...(options.args ?? [])], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test file that is ended in the middle must not leave a platform at work beside all tests that follow.
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.removeListener("exit", end));
  const tail: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    tail.push(line);
    if (tail.length > 50) tail.shift();
  });
  // Not "exit": what it says last may still be in the pipe then.
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const said = (): string => tail.join("\n");
  const kill: RunningPlatform["kill"] = async (signal) => {
    child.kill(signal);
    const [code, by] = await ended;
    return { code, signal: by };
  };
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line) as { readonly kind: string; readonly url: string };
      if (message.kind === "ready") return message.url;
    }
    throw new Error("standard output ended");
  })();
  const timer = setTimeout(() => child.kill("SIGKILL"), startMsMax);
  try {
    const url = await ready;
    child.stdout.resume();
    return {
      url,
      pid: child.pid ?? -1,
      kill,
      said,
      async [Symbol.asyncDispose]() {
        if (child.exitCode === null && child.signalCode === null) await kill("SIGKILL");
      },
    };
  } catch (cause) {
    await kill("SIGKILL");
    throw new Error(`mainstem dev did not start:\n${said()}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** A folder that goes away with its test. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-system-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
