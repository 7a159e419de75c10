// npm packages for tests against other software: exact versions in a folder of their own, installed once, and none of the project's dependencies.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cacheDirectory, isThere, runProgram } from "./programs.ts";

/** The clients of schema registries: some 170 MB with what Confluent's needs for encryption in clouds. */
export const registryClients = { "@confluentinc/schemaregistry": "1.10.1", "@kafkajs/confluent-schema-registry": "4.1.0" } as const;

/**
 * Installs packages at exact versions, or finds them as they were installed before, and gives the function that loads them.
 * Install scripts do not run. Two processes may do this at once: each makes its own, and one of them stays.
 */
export async function openNodePackages(packages: Readonly<Record<string, string>>): Promise<(name: string) => unknown> {
  const manifest = JSON.stringify({ private: true, dependencies: packages });
  const folder = join(cacheDirectory(), "npm");
  const home = join(folder, createHash("sha256").update(manifest).digest("hex").slice(0, 16));
  if (!(await isThere(home))) await install(home, { folder, manifest });
  return createRequire(join(home, "package.json"));
}

async function install(home: string, { folder, manifest }: { readonly folder: string; readonly manifest: string }): Promise<void> {
  const draft = join(folder, `draft-${randomUUID()}`);
  await mkdir(draft, { recursive: true });
  try {
    await writeFile(join(draft, "package.json"), manifest);
    await runProgram("npm", ["install", "--prefix", draft, "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]);
    await rename(draft, home);
  } catch (error) {
    if (!(await isThere(home))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
