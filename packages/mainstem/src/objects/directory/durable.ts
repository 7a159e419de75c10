import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "../../runtime/files.ts";

/** How many folders are remembered as durable; beyond it the memory starts anew and folders are synced once more. */
const foldersMax = 10_000;

/** Makes entries of the store's folders durable, and remembers for which folders their own entry already is. */
export interface DurableFolders {
  /** Resolves when the path's entry, and those of all its folders up to the root, survive a loss of power. */
  sync(path: string): Promise<void>;
}

export function createDurableFolders(root: string): DurableFolders {
  const known = new Map<string, string>();

  return {
    async sync(path) {
      let folder = dirname(path);
      await syncDirectory(folder);
      const settled: [string, string][] = [];
      while (folder !== root) {
        const identity = await identityOf(folder);
        // The entries above a durable folder were synced with it, and cannot change while it is there.
        if (known.get(folder) === identity) break;
        settled.push([folder, identity]);
        folder = dirname(folder);
        await syncDirectory(folder);
      }
      if (known.size + settled.length > foldersMax) known.clear();
      for (const [path_, identity] of settled) known.set(path_, identity);
    },
  };
}

/** A folder that was removed and made again is another: inode numbers come back, the time of birth with them does not. */
async function identityOf(folder: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
  return `${dev}.${ino}.${birthtimeNs}`;
}
