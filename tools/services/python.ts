// Python programs for tests against other software: an environment of their own, with exact versions, made once.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDirectory, installPackage, isThere, runProgram } from "./programs.ts";

/** A Python interpreter that has the packages. */
export interface PythonEnvironment {
  readonly python: string;
  /** Runs a script with text on its standard input and gives its standard output. Rejects with its standard error when it fails. */
  run(script: string, input: string): Promise<string>;
}

/** PyIceberg: the reference implementation in Python. */
export function openPyiceberg(): Promise<PythonEnvironment> {
  return openPythonEnvironment("pyiceberg", fileURLToPath(new URL("pyiceberg-requirements.txt", import.meta.url)));
}

/** fastavro: Avro in Python, by other people. */
export function openFastavro(): Promise<PythonEnvironment> {
  return openPythonEnvironment("fastavro", fileURLToPath(new URL("fastavro-requirements.txt", import.meta.url)));
}

/**
 * Makes the environment of a requirements file, or finds it as it was made before. Where Python cannot make environments, the package that
 * lets it is installed with apt-get. Two processes may do this at once: each makes its own, and one of them stays.
 */
export async function openPythonEnvironment(name: string, requirements: string): Promise<PythonEnvironment> {
  const version = await pythonVersion();
  const hash = createHash("sha256")
    .update(await readFile(requirements))
    .update(version);
  const folder = join(cacheDirectory(), "python");
  const home = join(folder, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (!(await isThere(home))) await makeEnvironment(home, { folder, requirements });
  const python = join(home, "bin", "python");
  return { python, run: (script, input) => run(python, [script], input) };
}

async function makeEnvironment(home: string, { folder, requirements }: { readonly folder: string; readonly requirements: string }): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `draft-${randomUUID()}`);
  try {
    await makeBare(draft);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement", requirements];
    await run(join(draft, "bin", "python"), pip);
    // Python finds its packages by where its interpreter lies, so the folder may be renamed; only scripts in `bin` name the old one.
    await rename(draft, home);
  } catch (error) {
    if (!(await isThere(home))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function makeBare(folder: string): Promise<void> {
  try {
    await run("python3", ["-m", "venv", folder]);
  } catch (error) {
    // Debian keeps what makes environments in a package of its own.
    await installPackage("python3-venv", error);
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
  }
}

async function pythonVersion(): Promise<string> {
  try {
    return await run("python3", ["--version"]);
  } catch (error) {
    await installPackage("python3", error);
    return run("python3", ["--version"]);
  }
}

async function run(command: string, args: readonly string[], input = ""): Promise<string> {
  return (await runProgram(command, args, { input })).out;
}
