import { dirname } from "node:path";
import crc32 from "@node-rs/crc32";
import { MainstemError } from "../../runtime/errors.ts";
import type { FileSystem } from "./file-system.ts";

const formatVersion = 1;
const fileBytesMax = 67_108_864;

/**
 * Reads a small JSON file that vouches for itself. Any change of any byte is found: the text must be exactly what its body is written as.
 * Throws `log.corrupt` naming the file, `log.newer` if a later version wrote it.
 */
export async function readCheckedJson(files: FileSystem, path: string): Promise<unknown> {
  const text = (await readBytes(files, path)).toString("utf8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, "it is not JSON", error);
  }
  if (typeof parsed !== "object" || parsed === null || !("body" in parsed) || !("formatVersion" in parsed)) throw corrupt(path, "it has no body");
  const { body, formatVersion: version } = parsed;
  if (typeof version !== "number" || text !== encode(version, body)) throw corrupt(path, "its text does not fit its checksum");
  if (version > formatVersion) throw new MainstemError("log.newer", `The file ${path} was written in format version ${version}.`, { file: path, version });
  return body;
}

/** Replaces the file as a whole; durable when resolved. A crash leaves the old text or the new one. */
export async function writeCheckedJson(files: FileSystem, path: string, body: unknown): Promise<void> {
  const temporary = `${path}.tmp`;
  await files.remove(temporary);
  const file = await files.open(temporary, "create");
  try {
    await file.write([Buffer.from(encode(formatVersion, body))], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

function encode(version: number, body: unknown): string {
  const crc = crc32
    .crc32c(JSON.stringify([version, body]))
    .toString(16)
    .padStart(8, "0");
  return `${JSON.stringify({ formatVersion: version, crc32c: crc, body })}\n`;
}

async function readBytes(files: FileSystem, path: string): Promise<Buffer> {
  const file = await files.open(path, "read").catch((error: unknown) => {
    throw corrupt(path, "it cannot be opened", error);
  });
  try {
    const size = await file.size();
    if (size > fileBytesMax) throw corrupt(path, "it is impossibly large");
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

function corrupt(path: string, what: string, cause?: unknown): MainstemError {
  return new MainstemError("log.corrupt", `The file ${path} is damaged: ${what}.`, { file: path }, { cause });
}
