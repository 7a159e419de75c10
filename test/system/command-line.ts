// The command line as a program of its own, and the small dataset that most of its tests use.
import { spawn } from "node:child_process";
import { cliEntry } from "./running-platform.ts";

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs one command to its end. */
export function runCommand(
  args: readonly string[],
  { cwd, env = {}, input = "" }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string },
): Promise<Ended> {
  const child = spawn(process.execPath, [cliEntry, ...args], { cwd, env: { ...process.env, ...env } });
  let output = "";
  let errors = "";
  child.stdout.on("data", (part: Buffer) => (output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
  // It may end before it has read all.
  child.stdin.on("error", () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
  });
}

/** A key, an order, and what else a test wants. */
export function ordersContract(...more: readonly object[]) {
  return {
    formatVersion: 1,
    name: "shop.orders",
    schema: { type: "record", name: "orders", namespace: "shop", fields: [{ name: "id", type: "string" }, { name: "revision", type: "long" }, ...more] },
    key: ["id"],
    order: ["revision"],
  };
}
