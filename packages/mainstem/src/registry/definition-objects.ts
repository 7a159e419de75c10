import { isDeepStrictEqual } from "node:util";
import { formatExact, parseExact } from "@mainstem/contract";
import { parseObjectKey, readWhole, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewerVersion } from "../runtime/formats.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Definition, StateStore, Version } from "../state/index.ts";

/** Definitions as objects (docs/formats/definitions.md), from which a lost state is made anew. A version is in the state before it is an object. */
export interface DefinitionObjects {
  /** Stores a version that the state holds. Does nothing when it is there; `registry.diverged` when something else is. */
  store(definition: Definition): Promise<void>;
  /** Stores versions of these kinds that a crash left in the state only, and brings versions into the state that only the objects hold. */
  reconcile(kinds: readonly string[]): Promise<void>;
}

interface Options {
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly logger: Logger;
}

const folder = "definitions/";
const formatVersion = 1;

export function createDefinitionObjects(options: Options): DefinitionObjects {
  const { state, objects } = options;
  const store = (definition: Definition): Promise<void> => storeVersion(objects, definition);

  return {
    store,
    async reconcile(kinds) {
      const stored = await listVersions(objects);
      for (const kind of kinds) {
        const current = new Map((await state.definitions.list(kind)).map((definition) => [definition.name, definition.version as number]));
        for (const [name, version] of current) {
          const versions = stored.get(kind)?.get(name) ?? new Set();
          const missing = (await historyBeyond({ state, kind, name, version, versions })).filter((one) => !versions.has(one.version));
          for (const definition of missing) await store(definition);
        }
        for (const [name, versions] of stored.get(kind) ?? []) await restore(options, { kind, name, after: current.get(name) ?? 0, versions });
      }
    },
  };
}

/** The history only where the objects do not have it whole: most definitions need no look. */
async function historyBeyond(of: {
  state: StateStore;
  kind: string;
  name: string;
  version: number;
  versions: ReadonlySet<number>;
}): Promise<readonly Definition[]> {
  const whole = Array.from({ length: of.version }, (_, index) => index + 1).every((version) => of.versions.has(version));
  return whole ? [] : await of.state.definitions.history(of.kind, of.name);
}

async function storeVersion(objects: ObjectStore, definition: Definition): Promise<void> {
  const key = keyOf(definition);
  const body = { formatVersion, ...definition };
  const put = await objects.put(key, [Buffer.from(`${formatExact(body)}\n`)], { ifAbsent: true });
  if (put.kind === "stored") return;
  const found = await readVersion(objects, key);
  if (isDeepStrictEqual(found, parseExact(formatExact(definition)))) return;
  throw new MainstemError("registry.diverged", `The object ${key} is another definition than the state holds.`, { key });
}

interface Restoring {
  readonly kind: string;
  readonly name: string;
  /** The version that the state has; 0 for none. */
  readonly after: number;
  /** Those that are objects. */
  readonly versions: ReadonlySet<number>;
}

async function restore({ state, objects, logger }: Options, { kind, name, after, versions }: Restoring): Promise<void> {
  const last = [...versions].reduce((a, b) => Math.max(a, b), 0);
  for (let version = after + 1; version <= last; version += 1) {
    const key = keyOf({ kind, name, version });
    if (!versions.has(version)) throw new MainstemError("registry.diverged", `The object ${key} is missing, and later versions are not in the state.`, { key });
    const { spec, appliedAt } = await readVersion(objects, key);
    // A conflict is another registry that restores, or one that went on meanwhile: the state has the version then.
    const swap = await state.definitions.put({ kind, name, spec, appliedAt }, version === 1 ? "absent" : ((version - 1) as Version));
    if (swap.kind === "committed") logger.warn("definition restored from the objects", { kind, name, version });
  }
}

/** By kind and name, the versions that are objects. */
async function listVersions(objects: ObjectStore): Promise<ReadonlyMap<string, ReadonlyMap<string, Set<number>>>> {
  const found = new Map<string, Map<string, Set<number>>>();
  for await (const { key } of objects.list(folder)) {
    const [, kind, name, version] = /^definitions\/([^/]+)\/([^/]+)\/([1-9]\d{0,14})\.json$/.exec(key) ?? [];
    if (kind === undefined || name === undefined || version === undefined) continue;
    const names = found.get(kind) ?? new Map<string, Set<number>>();
    found.set(kind, names);
    names.set(name, (names.get(name) ?? new Set()).add(Number(version)));
  }
  return found;
}

async function readVersion(objects: ObjectStore, key: ObjectKey): Promise<Definition> {
  const text = (await readWhole(objects, key, { bytesMax: limits.definitionBytesMax })).toString();
  const { formatVersion: format, ...definition } = parseObject(text);
  refuseNewerVersion(format, { code: "registry.newer", what: `The object ${key}`, known: formatVersion });
  const { kind, name, version, appliedAt } = definition;
  const fits =
    format === formatVersion &&
    "spec" in definition &&
    typeof appliedAt === "number" &&
    key === `${folder}${String(kind)}/${String(name)}/${String(version)}.json`;
  if (!fits)
    throw new MainstemError("registry.diverged", `The object ${key} is not the definition that its key says.`, {
      key,
    });
  return definition as unknown as Definition;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = parseExact(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function keyOf({ kind, name, version }: { readonly kind: string; readonly name: string; readonly version: number }): ObjectKey {
  return parseObjectKey(`${folder}${kind}/${name}/${version}.json`);
}
