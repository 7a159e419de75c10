import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { formatContract, type Contract } from "@mainstem/contract";
import { parseAllDocuments } from "yaml";
import { CliFailure } from "./failure.ts";

/** A declaration as it stood in a file: JSON that the server will check. */
export interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly contract: unknown;
}

/** Reads the declarations of one file: what a module exports, or the JSON form in JSON or YAML (one, a list, or several documents). */
export async function readDeclarations(file: string): Promise<readonly Declaration[]> {
  const contracts = await readContracts(file);
  if (contracts.length === 0)
    throw new CliFailure("cli.file", `${file} declares no dataset.`, { remedy: "Export what `dataset({ … })` gives, or write the JSON form of a contract." });
  return contracts.map((contract) => {
    const name = typeof contract === "object" && contract !== null && "name" in contract ? contract.name : undefined;
    if (typeof name !== "string" || name === "")
      throw new CliFailure("cli.file", `A declaration in ${file} has no name.`, { remedy: 'Add "name": "namespace.name".' });
    return { file, name, contract };
  });
}

async function readContracts(file: string): Promise<readonly unknown[]> {
  switch (extname(file)) {
    case ".ts":
    case ".mts":
    case ".js":
    case ".mjs":
      return readModule(file);
    case ".json":
      return [parse(file, await readText(file), JSON.parse)].flat();
    case ".yaml":
    case ".yml":
      return parse(file, await readText(file), parseYaml).flat();
    default:
      throw new CliFailure("cli.file", `${file} has no ending that tells what it is.`, { remedy: "Name it .ts, .js, .json or .yaml." });
  }
}

async function readModule(file: string): Promise<readonly unknown[]> {
  await readText(file);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (cause) {
    const { code, facts } = toCoded(cause);
    throw new CliFailure(code ?? "cli.file", `${file} could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { facts, cause });
  }
  // A dataset may be exported by name and in a list too.
  return [...new Set(Object.values(exported).flat())].filter(isContract).map((contract) => formatContract(contract));
}

function isContract(value: unknown): value is Contract {
  return (
    typeof value === "object" &&
    value !== null &&
    "formatVersion" in value &&
    value.formatVersion === 1 &&
    "schema" in value &&
    "key" in value &&
    "merge" in value
  );
}

function toCoded(cause: unknown): { readonly code: string | undefined; readonly facts: Readonly<Record<string, unknown>> } {
  const coded = cause instanceof Error && "facts" in cause && "code" in cause;
  return coded ? { code: String(cause.code), facts: cause.facts as Readonly<Record<string, unknown>> } : { code: undefined, facts: {} };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function parse<T>(file: string, text: string, parser: (text: string) => T): T {
  try {
    return parser(text);
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} is not well-formed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function parseYaml(text: string): readonly unknown[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  });
}
