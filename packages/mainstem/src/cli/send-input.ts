import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
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
  /** Whose records they are, for what to call instead. */
  readonly dataset: string;
  /** Ends the reading, also where nothing comes. */
  readonly signal: AbortSignal;
}

/**
 * Opens a file, or `-` for standard input, and says what is in it: NDJSON unless the input says otherwise. An ending in .csv or .tsv is CSV, a `[`
 * first is an array, a file that ends in .json, or a line with nothing but a `{`, is one object. Errors: `cli.file`, also for what is compressed.
 */
export async function openInput(file: string, { format, dataset, signal }: InputOptions): Promise<Input> {
  const { stream, bytes } = file === "-" ? { stream: process.stdin as Readable, bytes: undefined } : await openFile(file);
  const source: AsyncIterable<Buffer> = addAbortSignal(signal, stream);
  const reader = source[Symbol.asyncIterator]();
  const { value: first } = (await reader.next()) as { readonly value: Buffer | undefined };
  refuseCompressed(first, { file, format, dataset });
  return { format: format ?? recognise(file, first), source: again(first, reader), bytes };
}

function recognise(file: string, first: Buffer | undefined): Format {
  if (extname(file) === ".csv" || extname(file) === ".tsv") return "csv";
  const text = first?.toString("latin1", 0, 4_096) ?? "";
  // No record of NDJSON goes over the end of its line.
  return extname(file) === ".json" || /^\s*(\[|\{\s*\n)/.test(text) ? "json" : "ndjson";
}

/** What begins like this is no text in any of our formats. */
const packings = [
  { name: "gzip", magic: Buffer.of(0x1f, 0x8b), unpack: "gunzip -c" },
  { name: "zstandard", magic: Buffer.of(0x28, 0xb5, 0x2f, 0xfd), unpack: "zstd -dc" },
  { name: "zip", magic: Buffer.from("PK\x03\x04", "latin1"), unpack: "unzip -p" },
  { name: "xz", magic: Buffer.from("\xfd7zXZ\0", "latin1"), unpack: "xz -dc" },
];

function refuseCompressed(first: Buffer | undefined, { file, format, dataset }: Omit<InputOptions, "signal"> & { readonly file: string }): void {
  const packing = packings.find(({ magic }) => first?.subarray(0, magic.length).equals(magic));
  if (packing === undefined) return;
  const [what, name] = file === "-" ? ["The input", "FILE"] : [file, file];
  // A pipe has no ending that tells.
  const inside = extname(basename(file, extname(file)));
  const wanted = format ?? (inside === ".csv" || inside === ".tsv" ? "csv" : undefined);
  const options = `${wanted === undefined ? "" : ` --format ${wanted}`}${inside === ".tsv" ? " --delimiter tab" : ""}`;
  throw new CliFailure("cli.file", `${what} is compressed (${packing.name}).`, {
    remedy: `Unpack it on the way: ${packing.unpack} ${name} | mainstem send ${dataset}${options}`,
  });
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
