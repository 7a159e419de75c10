import { readFile, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { errnoOf } from "./files.ts";

/** What a configuration file says, or why it cannot be read. */
export type ConfigFile =
  | { readonly kind: "none" }
  | { readonly kind: "read"; readonly path: string; readonly settings: unknown }
  | { readonly kind: "broken"; readonly path: string; readonly expected: string; readonly received: string };

/** Where it is looked for when none is named. */
export const configFileNames = ["mainstem.config.ts", "mainstem.config.yaml", "mainstem.config.yml", "mainstem.config.json"] as const;

const fileBytesMax = 1_048_576;

/** Reads the named file, or the one that lies in `cwd`. What a module does while it is loaded is its author's. */
export async function readConfigFile({ cwd, file }: { readonly cwd: string; readonly file: string | undefined }): Promise<ConfigFile> {
  if (file !== undefined) return await readOne(resolve(cwd, file));
  const found: string[] = [];
  for (const name of configFileNames) if (await exists(join(cwd, name))) found.push(name);
  const [name, ...others] = found;
  if (name === undefined) return { kind: "none" };
  if (others.length === 0) return await readOne(join(cwd, name));
  return { kind: "broken", path: cwd, expected: "one configuration file", received: found.join(" and ") };
}

async function readOne(path: string): Promise<ConfigFile> {
  try {
    return { kind: "read", path, settings: await read(path) };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: "broken", path, expected: error.expected, received: error.message };
    return { kind: "broken", path, expected: "a file that can be read", received: error instanceof Error ? error.message : String(error) };
  }
}

class Unreadable extends Error {
  readonly expected: string;
  constructor(expected: string, received: string) {
    super(received);
    this.expected = expected;
  }
}

async function read(path: string): Promise<unknown> {
  switch (extname(path)) {
    case ".ts":
    case ".mts":
    case ".js":
    case ".mjs":
      return await readModule(path);
    case ".yaml":
    case ".yml":
      return await readYaml(await readText(path));
    case ".json":
      return readJson(await readText(path));
    default:
      throw new Unreadable("a file that ends in .ts, .js, .yaml or .json", basename(path));
  }
}

async function readModule(path: string): Promise<unknown> {
  await checkFile(path);
  const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  if (module.default === undefined) throw new Unreadable("export default defineConfig({ … })", "a module without a default export");
  return module.default;
}

async function readYaml(text: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // Warnings are unknown tags: whoever wrote one expects something of it.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new Unreadable("YAML", `${problem.message} (line ${line}, column ${col})`);
  }
  return document.toJS() as unknown;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // Some of V8's messages quote the text, which may hold what nobody should print.
    const message = error instanceof Error ? error.message.replace(/,? (?:\.\.\.)?"[^]*is not valid JSON$/, "") : String(error);
    throw new Unreadable("JSON", message);
  }
}

async function readText(path: string): Promise<string> {
  await checkFile(path);
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable("UTF-8", "other bytes");
  }
}

async function checkFile(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isFile()) throw new Unreadable("a file", "something else");
  if (found.size > fileBytesMax) throw new Unreadable(`at most ${fileBytesMax} bytes`, `${found.size} bytes`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
