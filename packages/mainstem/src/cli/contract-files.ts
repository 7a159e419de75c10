import { basename, dirname, extname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { formatContract, formatExact, fromOdcs, isOdcs, parseExact, schemaFileOf, withSchema, type Contract, type Issue } from "@mainstem/contract";
import type { Context } from "./context.ts";
import { CliFailure } from "./failure.ts";
import { importModule, isModuleFile, readText } from "./module-file.ts";

/** Documents of one YAML file. */
const documentsMax = 1_000;
/** How often a YAML file may repeat what it named: a few lines could otherwise stand for gigabytes. */
const aliasesMax = 100;

/** A declaration as it stood in a file: JSON that the server will check. */
export interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly contract: unknown;
  /** What the form says that a contract has no place for, or what was guessed. */
  readonly notes: readonly Issue[];
}

/**
 * Reads the declarations of files: what a module exports, or in JSON or YAML (one, a list, or several documents) the JSON form, whose schema
 * may be the name of an `.avsc` file beside it, or an Open Data Contract Standard file. Each dataset is declared once: a module may export again
 * what another one does, but of two that differ each would undo the other, so they are refused.
 */
export async function readDeclarations(...files: readonly string[]): Promise<readonly Declaration[]> {
  const declarations = new Map<string, Declaration>();
  for (const declaration of (await Promise.all(files.map(readOneFile))).flat()) {
    const { file, name, contract } = declaration;
    const first = declarations.get(name) ?? declaration;
    if (!isDeepStrictEqual(first.contract, contract)) {
      const where = first.file === file ? `twice in ${file}` : `in ${first.file} and in ${file}`;
      throw new CliFailure("cli.file", `${name} is declared ${where}, and not alike.`, { remedy: "Keep one of the two declarations." });
    }
    declarations.set(name, first);
  }
  return [...declarations.values()];
}

async function readOneFile(file: string): Promise<readonly Declaration[]> {
  const contracts = (await Promise.all((await readContracts(file)).map((json) => completeForm(file, json)))).flat();
  if (contracts.length === 0)
    throw new CliFailure("cli.file", `${file} declares no dataset.`, { remedy: "Export what `dataset({ … })` gives, or write the JSON form of a contract." });
  return contracts.map(({ contract, notes }) => {
    const name = typeof contract === "object" && contract !== null && "name" in contract ? contract.name : undefined;
    if (typeof name !== "string" || name === "")
      throw new CliFailure("cli.file", `A declaration in ${file} has no name.`, { remedy: 'Add "name": "namespace.name".' });
    return { file, name, contract, notes };
  });
}

/** Tells what could not be carried over. */
export function sayNotes({ terminal }: Context, declarations: readonly Declaration[]): void {
  for (const { name, notes } of declarations)
    for (const { path, message } of notes) terminal.say(`${terminal.style("yellow", "note:")} ${name}${path === "" ? "" : ` ${path}`}: ${message}`);
}

async function completeForm(file: string, json: unknown): Promise<readonly Pick<Declaration, "contract" | "notes">[]> {
  if (isOdcs(json)) return fromOdcs(json);
  const schemaFile = schemaFileOf(json);
  if (schemaFile === undefined) return [{ contract: json, notes: [] }];
  const path = resolve(dirname(file), schemaFile);
  return [{ contract: withSchema(json, await parse(path, await readText(path), parseJson)), notes: [] }];
}

async function readContracts(file: string): Promise<readonly unknown[]> {
  if (isModuleFile(file)) return readModule(file);
  switch (extname(file)) {
    case ".json":
      return [await parse(file, await readText(file), parseJson)].flat();
    case ".yaml":
    case ".yml":
      return (await parse(file, await readText(file), parseYaml)).flat();
    case ".avsc":
      throw new CliFailure("cli.file", `${file} is a schema alone.`, {
        remedy: `Write a contract file beside it, with name, key and order, and "schema": "./${basename(file)}".`,
      });
    default:
      throw new CliFailure("cli.file", `${file} has no ending that tells what it is.`, { remedy: "Name it .ts, .js, .json or .yaml." });
  }
}

async function readModule(file: string): Promise<readonly unknown[]> {
  const exported = await importModule(file);
  // A dataset may be exported by name and in a list too.
  return [...new Set(Object.values(exported).flat())].filter(isContract).map((contract) => toForm(file, contract));
}

function toForm(file: string, contract: Contract): unknown {
  try {
    return formatContract(contract);
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} exports ${contract.name} as it is written in JSON.`, {
      cause,
      remedy: "Export what `parseContract(…)` or `dataset({ … })` makes of it.",
    });
  }
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

async function parse<T>(file: string, text: string, parser: (text: string) => T | Promise<T>): Promise<T> {
  try {
    return await parser(text);
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} is not well-formed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** JSON as YAML is read: a mark of byte order is taken, and a key that stands there twice refused, of which JSON counts the last. */
async function parseJson(text: string): Promise<unknown> {
  const json = text.replace(/^\uFEFF/, "");
  const value = parseExact(json);
  const { parseDocument } = await import("yaml");
  const twice = parseDocument(json).errors.find(({ code }) => code === "DUPLICATE_KEY");
  if (twice !== undefined) throw twice;
  return value;
}

async function parseYaml(text: string): Promise<readonly unknown[]> {
  const { parseAllDocuments } = await import("yaml");
  // Merge keys are of YAML 1.1 alone, but people know them: as a name of its own, `<<` would carry a pii mark away in silence.
  const documents = parseAllDocuments(text, { intAsBigInt: true, merge: true });
  if (!Array.isArray(documents)) return [];
  if (documents.length > documentsMax) throw new RangeError(`it has more than ${documentsMax} documents`);
  const values = documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    // What names itself has no JSON form, and is found here.
    return parseExact(formatExact(document.toJS({ maxAliasCount: aliasesMax })));
  });
  // What stands between two lines of dashes, or after the last one, may be nothing.
  return values.filter((value) => value !== null);
}
