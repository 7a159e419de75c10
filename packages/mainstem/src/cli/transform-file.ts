import { formatExact } from "@mainstem/contract";
import type { InboxTransform, RefusedEntry } from "../index.ts";
import { messageOf } from "../runtime/errors.ts";
import { placeOf } from "./error-place.ts";
import { CliFailure } from "./failure.ts";
import { importModule, isModuleFile } from "./module-file.ts";
import type { Attempt } from "./outcome.ts";

const messageCharactersMax = 500;

/** The user's code that mends records, as a module has it. */
export interface TransformFile {
  readonly file: string;
  readonly transform: InboxTransform<unknown>;
}

export type Mended = { readonly kind: "made"; readonly json: string } | Staying;
/** An entry for which nothing is sent. */
export interface Staying {
  readonly kind: "stays";
  readonly attempt: Attempt;
}

/** Errors: `cli.file` where the file is no module, cannot be loaded, or exports no function by default. */
export async function readTransform(file: string): Promise<TransformFile> {
  if (!isModuleFile(file)) throw new CliFailure("cli.file", `${file} does not have the ending of a module.`, { remedy: "Name it .ts, .mts, .js or .mjs." });
  const { default: transform } = await importModule(file);
  if (typeof transform !== "function")
    throw new CliFailure("cli.file", `${file} does not export a function by default.`, {
      remedy: "Write: export default (record, entry) => ({ ...record, field: … })",
    });
  return { file, transform: transform as TransformFile["transform"] };
}

/** What the module makes of one entry. What it throws, and what JSON cannot hold, is this entry's alone. Throws when the signal is aborted. */
export async function mendRecord(
  { file, transform }: TransformFile,
  { record, entry, signal }: { readonly record: unknown; readonly entry: RefusedEntry; readonly signal: AbortSignal },
): Promise<Mended> {
  const { id } = entry;
  let made: unknown;
  try {
    const given = transform(record, entry);
    made = given instanceof Promise ? await untilAborted(given, signal) : given;
  } catch (error) {
    signal.throwIfAborted();
    const place = placeOf(error, file);
    return stays(id, "inbox.transformFailed", `${messageOf(error).slice(0, messageCharactersMax)}${place === undefined ? "" : ` (${place})`}`);
  }
  if (made === undefined) return stays(id, "inbox.left", "the transform gave undefined");
  try {
    return { kind: "made", json: formatExact(made) };
  } catch (error) {
    return stays(id, "inbox.transformFailed", messageOf(error).slice(0, messageCharactersMax));
  }
}

export function stays(id: string, code: string, received: string): Staying {
  return { kind: "stays", attempt: { id, code, errors: [{ path: "", expected: "", received }] } };
}

/** Nobody waits for user's code after Ctrl-C. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
