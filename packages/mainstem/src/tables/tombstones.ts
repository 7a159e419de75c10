import { inheritedSummary, summaryKeys, type Snapshot, type TableState } from "../iceberg/index.ts";
import { parseObjectKey, type ObjectKey } from "../objects/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewer } from "../runtime/formats.ts";
import type { BuiltFiles, TombstoneFile } from "./engine.ts";

/** Where a dataset's remembered deletes are: outside of its table, so that nobody who clears up the table's location takes them for orphans. */
export function tombstonePrefix(dataset: string): ObjectKey {
  return parseObjectKey(`tombstones/${dataset.replace(/\.(?=[^.]*$)/, "/")}`);
}

/** The files of remembered deletes of a snapshot: its own or those of its nearest ancestor that names some (docs/formats/table.md). Throws `table.corrupt`, `table.newer`. */
export function tombstonesOf(dataset: string, state: TableState | undefined, snapshot: Snapshot | undefined): readonly TombstoneFile[] {
  const found = state === undefined ? undefined : inheritedSummary(state, snapshot, summaryKeys.tombstones);
  if (state === undefined || found === undefined) return [];
  try {
    const json: unknown = JSON.parse(found.value);
    refuseNewer(json, { code: "table.newer", what: `The list of deletes in snapshot ${found.snapshot.id} of ${state.metadataKey}`, known: 1 });
    return parseTombstones(tombstonePrefix(dataset), json);
  } catch (cause) {
    if (cause instanceof MainstemError) throw cause;
    throw new MainstemError(
      "table.corrupt",
      `The remembered deletes in snapshot ${found.snapshot.id} of ${state.metadataKey} cannot be read.`,
      { key: state.metadataKey, snapshot: String(found.snapshot.id) },
      { cause },
    );
  }
}

/** What a snapshot says of them after a build: also where nothing changed, so that it needs none of the earlier snapshots, which may be expired. */
export function tombstoneSummary(before: readonly TombstoneFile[], { added, removed }: BuiltFiles["tombstones"]): Readonly<Record<string, string>> {
  if (before.length === 0 && added.length === 0) return {};
  const files = [...before.filter(({ key }) => !removed.includes(key)), ...added];
  const named = files.map(({ key, ...file }) => ({ name: key.slice(key.lastIndexOf("/") + 1), ...file }));
  return { [summaryKeys.tombstones]: JSON.stringify({ formatVersion: 1, files: named }) };
}

function parseTombstones(prefix: ObjectKey, json: unknown): readonly TombstoneFile[] {
  const { formatVersion, files } = json as { readonly formatVersion: unknown; readonly files: readonly Readonly<Record<string, unknown>>[] };
  if (formatVersion !== 1) throw new Error(`format version ${String(formatVersion)} is not known`);
  return files.map(({ name, records, bytes, builtAt }) => {
    const good = typeof name === "string" && /^[0-9a-f-]{36}-[0-9a-f]{32}\.parquet$/.test(name) && [records, bytes, builtAt].every(Number.isSafeInteger);
    if (!good) throw new Error("a file has no name or no size");
    return { key: parseObjectKey(`${prefix}/${name}`), records: records as number, bytes: bytes as number, builtAt: builtAt as number };
  });
}
