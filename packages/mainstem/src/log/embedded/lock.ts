import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MainstemError } from "../../runtime/errors.ts";

/** SQLITE_BUSY. */
const busy = 5;

/**
 * Holds a directory for this process: an exclusive transaction on an empty SQLite database, so in truth a lock of the operating system on its file.
 * It ends with the process however that ends, does not mind reused process ids, holds between threads and between containers that share a volume.
 * `lock.holder` only says who holds it, for the message. See docs/decisions for what else was weighed.
 */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  const holderPath = join(directory, "lock.holder");
  const database = new DatabaseSync(join(directory, "lock"));
  try {
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    const holder = await readHolder(holderPath);
    throw new MainstemError("log.locked", `Another process (${describe(holder)}) has the data directory ${directory} open.`, { directory, ...holder });
  }
  await writeFile(holderPath, `${JSON.stringify({ pid: process.pid, host: hostname() })}\n`);
  return {
    async [Symbol.asyncDispose]() {
      if (database.isOpen) database.close();
    },
  };
}

export function isBusy(error: unknown): boolean {
  return (error as { readonly errcode?: unknown }).errcode === busy;
}

/** Who has it, as far as `lock.holder` says. */
export interface Holder {
  readonly pid?: number;
  readonly host?: string;
}

export async function readHolder(path: string): Promise<Holder> {
  try {
    const { pid, host } = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    return { ...(typeof pid === "number" && { pid }), ...(typeof host === "string" && { host }) };
  } catch {
    // The holder may be writing it just now; the lock itself does not depend on it.
    return {};
  }
}

function describe({ pid, host }: Holder): string {
  return pid === undefined ? "of unknown id" : `id ${pid}${host === undefined || host === hostname() ? "" : ` on ${host}`}`;
}
