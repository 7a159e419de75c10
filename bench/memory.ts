import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const writeBytes = 65_536;

/**
 * Makes the system have memory of its own for the files that a run writes. A virtual machine may give free memory back to its host, and then pays a fault for each
 * page that it takes again: on one, 11 to 15 µs for 4 KB, up to five times what writing the page costs, for some runs and not for others. A file of
 * so many bytes is written and removed: what was freed last is taken first. Where memory stays with its system, this changes nothing.
 */
export function touchMemory(bytes: number): void {
  const directory = mkdtempSync(join(tmpdir(), "mainstem-bench-memory-"));
  const file = openSync(join(directory, "file"), "w");
  const part = Buffer.alloc(writeBytes, 1);
  for (let written = 0; written < bytes; written += writeBytes) writeSync(file, part);
  closeSync(file);
  rmSync(directory, { recursive: true });
}
