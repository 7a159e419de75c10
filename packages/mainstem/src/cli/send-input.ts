import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { CliFailure } from "./failure.ts";

export const formats = ["ndjson", "json", "csv"] as const;
export type Format = (typeof formats)[number];

export interface Input {
  readonly format: Format;
  readonly source: AsyncIterable<Buffer>;
  /** Undefined for a pipe. */
  readonly bytes: number | undefined;
}

export interface InputOptions {
  readonly format: Format | undefined;
  /** Ends the reading, also where nothing comes. */
  readonly signal: AbortSignal;
}

/**
 * Opens a file, or `-` for standard input, and says what is in it: NDJSON unless the input says otherwise. An ending in .csv or .tsv is CSV, a `[`
 * first is an array, a file that ends in .json and begins with `{` is one object. Errors: `cli.file`.
 */
export async function openInput(file: string, { format, signal }: InputOptions): Promise<Input> {
  const { stream, bytes } = file === "-" ? { stream: process.stdin as Readable, bytes: undefined } : await openFile(file);
  const source: AsyncIterable<Buffer> = addAbortSignal(signal, stream);
  if (format !== undefined) return { format, source, bytes };
  if (extname(file) === ".csv" || extname(file) === ".tsv") return { format: "csv", source, bytes };
  const reader = source[Symbol.asyncIterator]();
  const { value: first } = (await reader.next()) as { readonly value: Buffer | undefined };
  const beginning = /\S/.exec(first?.toString("latin1", 0, 4_096) ?? "")?.[0];
  const recognised = beginning === "[" || extname(file) === ".json" ? "json" : "ndjson";
  return { format: recognised, source: again(first, reader), bytes };
}

async function openFile(file: string): Promise<{ readonly stream: Readable; readonly bytes: number | undefined }> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error("it is a folder");
    // A pipe or a device does not know how much will come.
    return { stream: createReadStream(file, { highWaterMark: 1 << 20 }), bytes: found.isFile() ? found.size : undefined };
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function* again(first: Buffer | undefined, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first !== undefined) yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
