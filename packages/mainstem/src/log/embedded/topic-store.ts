import { join } from "node:path";
import type { Env } from "../../runtime/env.ts";
import { randomId } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { GroupName, TopicId, TopicInfo, TopicName, TopicSpec } from "../log.ts";
import { checkTopicSpec } from "../topic-spec.ts";
import { readCheckedJson, writeCheckedJson } from "./checked-json.ts";
import type { FileSystem } from "./file-system.ts";
import { createPartitionFiles } from "./recovery.ts";

const topicFile = "topic.json";
const topicIdPattern = /^[A-Za-z0-9_-]{22}$/;
/** What is being made or removed has a name that no topic id has; only a rename makes it count, or not count any more. */
const creating = ".creating";
const deleting = ".deleting";

interface TopicStoreOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly env: Env;
}

/** The topics of a log as directories: `<directory>/<topic>/<topic id>/topic.json` and one directory a partition. */
export class TopicStore {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #env: Env;

  constructor({ files, directory, env }: TopicStoreOptions) {
    this.#files = files;
    this.#directory = directory;
    this.#env = env;
  }

  /** Every topic; what a crash left half made or half removed goes. Throws `log.corrupt`. */
  async load(): Promise<TopicInfo[]> {
    await this.#files.makeDirectory(this.#directory);
    const topics: TopicInfo[] = [];
    for (const name of await this.#files.list(this.#directory)) {
      const ids: TopicInfo[] = [];
      // Files that others put there, such as a file manager's, are no topics.
      const entries = await this.#files.list(join(this.#directory, name)).catch(() => []);
      // What is found must be durable before anything is done about it: the process before may have ended between a rename and its sync.
      if (entries.length > 0) await this.#files.syncDirectory(join(this.#directory, name));
      for (const id of entries) {
        const path = join(this.#directory, name, id);
        if (id.endsWith(creating) || id.endsWith(deleting)) await this.#files.remove(path);
        else if (topicIdPattern.test(id)) ids.push(await this.#read(path, { name, id }));
      }
      if (ids.length > 1) throw corrupt(join(this.#directory, name), "it holds two topics of one name");
      topics.push(...ids);
    }
    return topics;
  }

  partitionDirectory({ name, id }: TopicInfo, partition: number): string {
    return join(this.#directory, name, id, String(partition));
  }

  /** Durable when resolved; a crash or an error before leaves the topic or none. Nothing of that name is in use: whatever is left of it goes. */
  async create(spec: TopicSpec): Promise<TopicInfo> {
    const { name, partitions, timestampType, retention, retainFor } = spec;
    const info: TopicInfo = { name, id: randomId(this.#env) as TopicId, partitions, timestampType, retention: { ...retention }, retainFor: [...retainFor] };
    const parent = join(this.#directory, spec.name);
    const path = join(parent, info.id);
    await this.#files.makeDirectory(parent);
    for (const left of await this.#files.list(parent)) {
      if (topicIdPattern.test(left)) await this.remove({ name: spec.name, id: left as TopicId });
      else if (left.endsWith(creating) || left.endsWith(deleting)) await this.#files.remove(join(parent, left));
    }
    await this.#files.makeDirectory(path + creating);
    for (let partition = 0; partition < spec.partitions; partition++) await createPartitionFiles(this.#files, join(path + creating, String(partition)));
    await this.#write(path + creating, info);
    await this.#files.rename(path + creating, path);
    await this.#files.syncDirectory(parent);
    return info;
  }

  async update(info: TopicInfo): Promise<void> {
    await this.#write(join(this.#directory, info.name, info.id), info);
  }

  /** The topic is gone when this resolves, and after a crash at any moment it is either there or gone. */
  async remove({ name, id }: Pick<TopicInfo, "name" | "id">): Promise<void> {
    const parent = join(this.#directory, name);
    const path = join(parent, id);
    await this.#files.rename(path, path + deleting);
    await this.#files.syncDirectory(parent);
    await this.#files.remove(path + deleting);
    await this.#files.syncDirectory(parent);
  }

  async #write(path: string, { name, id, partitions, timestampType, retention, retainFor }: TopicInfo): Promise<void> {
    await writeCheckedJson(this.#files, join(path, topicFile), { name, id, partitions, timestampType, retention, retainFor });
  }

  async #read(path: string, { name, id }: { readonly name: string; readonly id: string }): Promise<TopicInfo> {
    const file = join(path, topicFile);
    await this.#files.syncDirectory(path);
    const info = parseTopicInfo(await readCheckedJson(this.#files, file), file);
    if (info.name !== name || info.id !== id) throw corrupt(file, "it describes another topic than its path says");
    return info;
  }
}

/** The checksum was right: what does not fit here was written by something else than this program. */
function parseTopicInfo(body: unknown, file: string): TopicInfo {
  const { name, id, partitions, timestampType, retention, retainFor } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const known = typeof name === "string" && typeof id === "string" && topicIdPattern.test(id);
  const limited = typeof retention === "object" && retention !== null;
  const groups = Array.isArray(retainFor) && retainFor.every((group) => typeof group === "string");
  if (!known || !limited || !groups) throw corrupt(file, "it does not describe a topic");
  const spec = { name: name as TopicName, partitions, timestampType, retention, retainFor: retainFor as GroupName[] } as TopicSpec;
  try {
    checkTopicSpec(spec);
  } catch (error) {
    throw corrupt(file, "it does not describe a topic", error);
  }
  return { ...spec, id: id as TopicId };
}

function corrupt(file: string, what: string, cause?: unknown): MainstemError {
  return new MainstemError("log.corrupt", `The file ${file} is damaged: ${what}.`, { file }, { cause });
}
