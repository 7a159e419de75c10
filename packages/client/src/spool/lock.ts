import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ClientError } from "../client-error.ts";

/** SQLITE_BUSY. */
const busy = 5;

/** Holds a directory for this process: a lock of the operating system on a file, which ends with the process however that ends. */
export function lockDirectory(directory: string): Disposable {
  const database = new DatabaseSync(join(directory, "lock"));
  try {
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { readonly errcode?: unknown }).errcode !== busy) throw error;
    throw new ClientError("client.spoolLocked", `Another producer has the spool ${directory} open.`, { directory }, { cause: error });
  }
  return {
    [Symbol.dispose]() {
      if (database.isOpen) database.close();
    },
  };
}
