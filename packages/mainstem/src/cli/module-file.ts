import { readFile, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { placeOf } from "./error-place.ts";
import { CliFailure } from "./failure.ts";

const fileBytesMax = 8 * 1024 * 1024;
const moduleEndings: ReadonlySet<string> = new Set([".ts", ".mts", ".js", ".mjs"]);

export function isModuleFile(file: string): boolean {
  return moduleEndings.has(extname(file));
}

/** What a module of the user's exports. It runs here, in the command's own process. Errors: `cli.file` with the place; those with a code that it throws keep theirs. */
export async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  await readText(file);
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (cause) {
    const { code, facts } = toCoded(cause);
    const place = placeOf(cause, file);
    const message = `${file} could not be loaded${place === undefined ? "" : ` (${place})`}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new CliFailure(code ?? "cli.file", message, { facts, cause });
  }
}

/** A file that the user names, as text. Errors: `cli.file`. */
export async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > fileBytesMax) throw new RangeError(`it has more than ${fileBytesMax} bytes`);
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function toCoded(cause: unknown): { readonly code: string | undefined; readonly facts: Readonly<Record<string, unknown>> } {
  const coded = cause instanceof Error && "facts" in cause && "code" in cause;
  return coded ? { code: String(cause.code), facts: cause.facts as Readonly<Record<string, unknown>> } : { code: undefined, facts: {} };
}
