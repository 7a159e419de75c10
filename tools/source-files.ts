import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the repository. */
export const repository = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Folders that hold what was installed or produced, never what was written. */
const skipped: ReadonlySet<string> = new Set(["node_modules", ".git", ".mainstem", ".cache", "dist", "coverage"]);

/** Every file of the repository that somebody wrote, as sorted paths with `/` relative to its top. */
export function listFiles(top: string = repository): readonly string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
      if (skipped.has(entry.name)) continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(path);
    }
  };
  walk("");
  return found.sort();
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export function readSources(paths: readonly string[], top: string = repository): readonly SourceFile[] {
  return paths.map((path) => ({ path, text: readFileSync(join(top, path), "utf8") }));
}
