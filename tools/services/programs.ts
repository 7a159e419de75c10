// What the recipes of this folder share: where things are kept between runs, and how other programs are run.
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../source-files.ts";

/** Where what tests need is kept between runs: MAINSTEM_CACHE, or `.cache` in the repository. */
export function cacheDirectory(): string {
  return process.env["MAINSTEM_CACHE"] ?? join(repository, ".cache");
}

/** Installs a Debian package. `reason` is why it is needed, for the person who has to do it where apt-get cannot. */
export async function installPackage(name: string, reason: unknown): Promise<void> {
  try {
    await runProgram("apt-get", ["install", "--yes", "--no-install-recommends", name]);
  } catch (error) {
    throw new Error(`Install ${name} and run again: apt-get could not. It is needed because of this: ${String(reason)}`, { cause: error });
  }
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export interface Output {
  readonly out: string;
  readonly complaints: string;
}

/** Runs a program with text on its standard input. Rejects with the end of its output when it fails. */
export function runProgram(command: string, args: readonly string[], { input = "" }: { readonly input?: string } = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
    const parts: { out: Buffer[]; complaints: Buffer[] } = { out: [], complaints: [] };
    child.stdout.on("data", (part: Buffer) => parts.out.push(part));
    child.stderr.on("data", (part: Buffer) => parts.complaints.push(part));
    // A program that ends early does not read all of its input; its exit code says why.
    child.stdin.on("error", () => undefined);
    child.on("error", reject);
    child.on("close", (code) => {
      const [out, complaints] = [Buffer.concat(parts.out).toString(), Buffer.concat(parts.complaints).toString()];
      if (code === 0) resolve({ out, complaints });
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${(complaints === "" ? out : complaints).slice(-4_000)}`));
    });
    child.stdin.end(input);
  });
}
