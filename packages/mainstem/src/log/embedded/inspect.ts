import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoOf } from "../../runtime/files.ts";
import { readCheckedJson } from "./checked-json.ts";
import { nodeFileSystem } from "./file-system.ts";
import { readLogTime } from "./log-clock.ts";
import { isBusy, readHolder, type Holder } from "./lock.ts";
import { decodeRecoveryPoint } from "./recovery-point.ts";

/** What can be seen of a log without opening it. */
export interface LogInspection {
  /** Undefined where there is no log yet. */
  readonly topics: number | undefined;
  /** The process that has it open, as far as it is known; undefined if none has. */
  readonly holder: Holder | undefined;
  /** The log's own time, milliseconds since 1970: of the newest record, or up to which it told that all is known. */
  readonly lastTimestamp: number | undefined;
}

/** Partitions that are looked at: enough to tell a format, and a clock. */
const partitionsMax = 1_000;

/**
 * Looks at the log's lock and formats, and changes nothing, also while another process has it open. Not for the process that has it open itself: it
 * would lose its lock (docs/decisions/006).
 * Errors: `log.newer`, `log.corrupt`, those of the file system.
 */
export async function inspectEmbeddedLog(directory: string): Promise<LogInspection> {
  const holder = await lockHolder(directory);
  const topicFiles = await listTopics(directory);
  if (topicFiles === undefined) return { topics: undefined, holder, lastTimestamp: undefined };
  let lastTimestamp = await readLogTime(directory);
  let looked = 0;
  for (const folder of topicFiles) {
    await readCheckedJson(nodeFileSystem, join(folder, "topic.json"));
    for (const partition of await nodeFileSystem.list(folder)) {
      if (!/^\d+$/.test(partition) || looked++ >= partitionsMax) continue;
      const path = join(folder, partition, "recovery-point");
      // Of a partition that is being made or removed there may be none.
      const bytes = await readFile(path).catch(() => undefined);
      const found = bytes === undefined ? undefined : decodeRecoveryPoint(bytes, path);
      if (found !== undefined && found.next > 0) lastTimestamp = Math.max(lastTimestamp ?? 0, found.lastTimestamp);
    }
  }
  return { topics: topicFiles.length, holder, lastTimestamp };
}

/** Asks for a lock of a reader, which no holder grants, and gives it back at once. */
async function lockHolder(directory: string): Promise<Holder | undefined> {
  const path = join(directory, "lock");
  try {
    await access(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.prepare("SELECT count(*) FROM sqlite_master").get();
    return undefined;
  } catch (error) {
    if (isBusy(error)) return await readHolder(join(directory, "lock.holder"));
    throw error;
  } finally {
    database.close();
  }
}

async function listTopics(directory: string): Promise<readonly string[] | undefined> {
  const home = join(directory, "topics");
  const folders: string[] = [];
  try {
    for (const topic of await nodeFileSystem.list(home))
      for (const id of await nodeFileSystem.list(join(home, topic)).catch(() => [])) if (/^[A-Za-z0-9_-]{22}$/.test(id)) folders.push(join(home, topic, id));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  return folders;
}
