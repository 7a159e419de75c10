import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const writeBytes = 65_536;

/**
 * Makes the system have memory of its own for the files that a run writes. On some virtual machines each page
 * that is taken anew costs 11 to 15 µs, up to five times what writing it costs, in some runs and not in others (decision 049). A file of
 * so many bytes is written and removed: what was freed last is mostly taken first.
 */
export function touchMemory(bytes: number): void {
  const directory = mkdtempSync(join(tmpdir(), "mainstem-bench-memory-"));
  const file = openSync(join(directory, "file"), "w");
  const part = Buffer.alloc(writeBytes, 1);
  for (let written = 0; written < bytes; written += writeBytes) writeSync(file, part);
  closeSync(file);
  rmSync(directory, { recursive: true });
}
