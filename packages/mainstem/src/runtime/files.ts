import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Makes the directory and its missing parents; when it resolves they survive a loss of power. */
export async function makeDirectory(path: string): Promise<void> {
  const wanted = resolve(path);
  const first = await mkdir(wanted, { recursive: true });
  if (first === undefined) return;
  for (let made = wanted; ; made = dirname(made)) {
    await syncDirectory(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

/** Makes the directory's entries durable: what was created, linked, renamed or removed in it. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The code of a system error (`ENOENT`, `EEXIST`…); undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error ? error.code : undefined;
}
