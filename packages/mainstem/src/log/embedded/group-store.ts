import { createHash } from "node:crypto";
import { join } from "node:path";
import { MainstemError, messageOf } from "../../runtime/errors.ts";
import type { GroupName, LogPosition, Offset, Partition, TopicId } from "../log.ts";
import { readCheckedJson, writeCheckedJson } from "./checked-json.ts";
import type { FileSystem } from "./file-system.ts";

/** File systems take names of 255 bytes; a temporary file adds its ending. */
const fileNameTextMax = 240;

interface GroupStoreOptions {
  readonly files: FileSystem;
  readonly directory: string;
  /** Offsets of topics that are gone leave the file with the next commit. */
  readonly isLive: (topicId: TopicId) => boolean;
}

interface Commit {
  readonly next: readonly LogPosition[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Group {
  /** What is durable, by topic id and partition. */
  positions: ReadonlyMap<string, LogPosition>;
  readonly waiting: Commit[];
  writing: Promise<void> | undefined;
}

/** The committed offsets of groups: one file a group, replaced as a whole. Commits that come while a file is written share the next write. */
export class GroupStore {
  readonly #options: GroupStoreOptions;
  readonly #groups = new Map<GroupName, Group>();

  constructor(options: GroupStoreOptions) {
    this.#options = options;
  }

  /** Throws `log.corrupt` naming the file. */
  async load(): Promise<void> {
    const { files, directory } = this.#options;
    await files.makeDirectory(directory);
    // What is found must be durable before anybody acts on it: the process before may have ended between a rename and its sync.
    await files.syncDirectory(directory);
    for (const name of await files.list(directory)) {
      const path = join(directory, name);
      if (name.endsWith(".tmp")) await files.remove(path);
      else if (name.endsWith(".json")) {
        const { group, positions } = parseGroup(await readCheckedJson(files, path), path);
        if (fileName(group) !== name) throw corrupt(path, "it holds another group than its name says");
        this.#groups.set(group, { positions: new Map(positions.map((position) => [keyOf(position), position])), waiting: [], writing: undefined });
      }
    }
  }

  committed(group: GroupName, { topicId, partition }: { readonly topicId: TopicId; readonly partition: Partition }): Offset | undefined {
    return this.#groups.get(group)?.positions.get(keyOf({ topicId, partition }))?.offset;
  }

  /** All positions that count, by group. */
  *entries(): Iterable<{ readonly group: GroupName; readonly positions: readonly LogPosition[] }> {
    for (const [group, { positions }] of this.#groups) {
      const live = [...positions.values()].filter(({ topicId }) => this.#options.isLive(topicId));
      if (live.length > 0) yield { group, positions: live };
    }
  }

  positionsOf(group: GroupName, topicId: TopicId): LogPosition[] {
    return [...(this.#groups.get(group)?.positions.values() ?? [])].filter((position) => position.topicId === topicId);
  }

  /** Durable when resolved. */
  commit(name: GroupName, next: readonly LogPosition[]): Promise<void> {
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = { positions: new Map(), waiting: [], writing: undefined }));
    const chosen = group;
    return new Promise((resolve, reject) => {
      chosen.waiting.push({ next, resolve, reject });
      chosen.writing ??= this.#write(name, chosen);
    });
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    for (const { writing } of this.#groups.values()) await writing;
  }

  async #write(name: GroupName, group: Group): Promise<void> {
    while (group.waiting.length > 0) {
      const commits = group.waiting.splice(0);
      const positions = new Map([...group.positions].filter(([, { topicId }]) => this.#options.isLive(topicId)));
      for (const { next } of commits) for (const position of next) positions.set(keyOf(position), position);
      try {
        await writeCheckedJson(this.#options.files, join(this.#options.directory, fileName(name)), {
          group: name,
          positions: [...positions.values()].map(toPlain),
        });
        group.positions = positions;
        for (const { resolve } of commits) resolve();
      } catch (error) {
        const failure = new MainstemError(
          "log.writeFailed",
          `The offsets of group ${name} could not be stored: ${messageOf(error)}.`,
          { group: name },
          { cause: error },
        );
        for (const { reject } of commits) reject(failure);
      }
    }
    group.writing = undefined;
  }
}

function toPlain({ topic, topicId, partition, offset }: LogPosition): LogPosition {
  return { topic, topicId, partition, offset };
}

function keyOf({ topicId, partition }: { readonly topicId: TopicId; readonly partition: Partition }): string {
  return `${topicId}/${partition}`;
}

/** Any text as a file name that no two groups share: letters, digits and `._-` as they are, other bytes as `%xx`; by its digest where that is too long. */
function fileName(group: GroupName): string {
  const text = [...Buffer.from(group)].map(toFileText).join("");
  return `${text.length <= fileNameTextMax ? text : `%sha256-${createHash("sha256").update(group).digest("hex")}`}.json`;
}

function toFileText(byte: number): string {
  const text = String.fromCharCode(byte);
  return /[A-Za-z0-9._-]/.test(text) ? text : `%${byte.toString(16).padStart(2, "0")}`;
}

function parseGroup(body: unknown, path: string): { readonly group: GroupName; readonly positions: readonly LogPosition[] } {
  const { group, positions } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  if (typeof group !== "string" || !Array.isArray(positions) || !positions.every(isPosition)) throw corrupt(path, "it does not hold the offsets of a group");
  return { group: group as GroupName, positions };
}

function isPosition(value: unknown): value is LogPosition {
  const { topic, topicId, partition, offset } = (typeof value === "object" && value !== null ? value : {}) as { [Name in keyof LogPosition]?: unknown };
  const named = typeof topic === "string" && typeof topicId === "string";
  return named && Number.isSafeInteger(partition) && Number(partition) >= 0 && Number.isSafeInteger(offset) && Number(offset) >= 0;
}

function corrupt(file: string, what: string): MainstemError {
  return new MainstemError("log.corrupt", `The file ${file} is damaged: ${what}.`, { file });
}
