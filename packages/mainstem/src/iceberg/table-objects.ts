import { gunzipSync } from "node:zlib";
import { readWhole, type ObjectKey, type ObjectStore } from "../objects/index.ts";
import type { Env } from "../runtime/env.ts";
import { createAddresses, type Addresses } from "./addresses.ts";
import { corrupt } from "./avro-file.ts";
import type { ByteCache } from "./byte-cache.ts";
import { checkContent } from "./content-name.ts";
import { icebergLimits } from "./limits.ts";
import { deleteFiles, readFileKeys, readManifest, type ListedFile, type Manifest, type ManifestEntry } from "./manifest.ts";
import { readManifestList, type ManifestFile } from "./manifest-list.ts";
import { parseMetadata, type TableMetadata } from "./metadata.ts";
import type { IcebergPartitionSpec } from "./model.ts";

/** What reading metadata needs of the world. */
export interface Readers {
  readonly objects: ObjectStore;
  readonly cache: ByteCache;
  readonly env: Pick<Env, "random">;
}

/** Reads a table's metadata file, or gives the parsed one from memory: metadata objects never change. */
export function readTableMetadata({ objects, cache }: Readers, key: ObjectKey): Promise<TableMetadata> {
  return cache.through(`metadata:${key}`, async () => {
    const bytes = await readChecked(objects, key);
    // What it holds is mostly texts and small objects: about four times the JSON.
    return { value: parseMetadata(textOf(bytes, key), { key }), bytes: bytes.length * 4 };
  });
}

/** What manifests are read with: a table's addresses and partition specs. */
export interface TableView {
  readonly addresses: Addresses;
  readonly specs: readonly IcebergPartitionSpec[];
}

export function createView(table: { readonly location: string; readonly specs: readonly IcebergPartitionSpec[] }, prefix: ObjectKey): TableView {
  return { addresses: createAddresses({ location: table.location, prefix }), specs: table.specs };
}

/** The manifests of a snapshot. */
export function readManifests({ objects, cache }: Readers, key: ObjectKey, { addresses }: TableView): Promise<readonly ManifestFile[]> {
  return cache.through(`list:${key}`, async () => {
    const value = readManifestList(await readChecked(objects, key), { key, addresses });
    return { value, bytes: value.length * manifestFileBytes };
  });
}

/** One manifest with its entries. `table.unsupported` when it lists delete files. */
export function readEntries({ objects, cache }: Readers, manifest: ManifestFile, { addresses, specs }: TableView): Promise<Manifest> {
  return cache.through(`manifest:${manifest.key}`, async () => {
    if (manifest.content === "deletes") throw deleteFiles(manifest.key);
    const spec = specs.find((candidate) => candidate["spec-id"] === manifest.specId);
    if (spec === undefined) throw corrupt(manifest.key, `its partition spec ${manifest.specId} is not one of the table's`);
    const value = readManifest(await readChecked(objects, manifest.key), { manifest, spec, addresses });
    return { value, bytes: value.entries.reduce((sum, entry) => sum + entryBytes(entry), 0) };
  });
}

/** Which files a manifest lists: far less to read and to keep in memory than its entries. */
export function readListedFiles({ objects, cache }: Readers, manifest: ManifestFile, { addresses }: TableView): Promise<readonly ListedFile[]> {
  return cache.through(`files:${manifest.key}`, async () => {
    if (manifest.content === "deletes") throw deleteFiles(manifest.key);
    const value = readFileKeys(await readChecked(objects, manifest.key), { manifest, addresses });
    return { value, bytes: value.length * listedFileBytes };
  });
}

/** True for a manifest that still says something about the files of a snapshot. */
export function isLive({ files }: ManifestFile): boolean {
  return files.added + files.existing > 0;
}

export function isLiveEntry(entry: Pick<ManifestEntry, "status">): boolean {
  return entry.status !== "deleted";
}

/** Estimates of what parsed things take in memory. */
const manifestFileBytes = 1_500;
const listedFileBytes = 300;
function entryBytes({ file }: ManifestEntry): number {
  const values = file.columnSizes.size + file.valueCounts.size + file.nullCounts.size;
  const bounds = file.lowerBounds.size + file.upperBounds.size;
  return 1_000 + values * 50 + bounds * 240;
}

async function readChecked(objects: ObjectStore, key: ObjectKey): Promise<Uint8Array> {
  const bytes = await readWhole(objects, key, { bytesMax: icebergLimits.objectBytesMax });
  checkContent(key, bytes);
  return bytes;
}

function textOf(bytes: Uint8Array, key: ObjectKey): string {
  try {
    // Other programs may compress metadata files (specification, appendix C).
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: icebergLimits.objectBytesMax }) : bytes;
    return new TextDecoder("utf-8", { fatal: true }).decode(plain);
  } catch (error) {
    throw corrupt(key, "it is not UTF-8, or was cut or changed", error);
  }
}
