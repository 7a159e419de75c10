import { randomUUID } from "node:crypto";
import { link, open, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../runtime/config.ts";
import { errnoOf, nearestExisting, refusalOf } from "../../runtime/files.ts";
import { formatBytes } from "../text-table.ts";
import { failed, ok, warning, type Check } from "./check.ts";

const freeBytesWarned = 5_000_000_000;
const freeBytesLeast = 200_000_000;
/** Of statfs(2): NFS, SMB and CIFS, FUSE (which may be anything). */
const remoteTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x65735546, "FUSE"],
]);

/** The folders that the configuration names: whether they can be written, whether a file published there is there at once, and what room there is. */
export async function checkFolders({ dataDir, log, objects }: Config): Promise<readonly Check[]> {
  const places = [
    { name: "data directory", folder: dataDir },
    ...(log.directory === undefined ? [] : [{ name: "log directory", folder: log.directory }]),
    ...(objects.directory === undefined ? [] : [{ name: "objects directory", folder: objects.directory }]),
  ];
  return (await Promise.all(places.map((place) => checkFolder(place, { diskBytesMax: log.diskBytesMax })))).flat();
}

/** What of a data directory may be a file system of its own. */
const parts = ["log", "objects", "scratch"] as const;

interface Place {
  readonly name: string;
  readonly folder: string;
}

async function checkFolder({ name, folder }: Place, { diskBytesMax }: { readonly diskBytesMax: number | undefined }): Promise<readonly Check[]> {
  const existing = await nearestExisting(folder);
  const exists = existing === folder;
  if (!(await stat(existing)).isDirectory()) return [failed(name, `${existing} is no folder.`, "Name another with --data-dir or in the configuration.")];
  const missing = exists ? "" : " (to be made)";
  try {
    await tryFiles(existing);
    for (const part of exists ? parts : []) {
      const refusal = await refusalOf(join(folder, part));
      if (refusal !== undefined) return [failed(name, `${refusal.at} refuses files (${refusal.errno}).`, remedyOf(refusal.errno, refusal.at))];
    }
  } catch (error) {
    return [failed(name, `${folder}: ${existing} refuses files (${errnoOf(error) ?? String(error)}).`, remedyOf(errnoOf(error), existing))];
  }
  const { type, bsize, bavail, files, ffree } = await statfs(existing);
  const remote = remoteTypes.get(type);
  const where =
    remote === undefined
      ? ok(name, `${folder}${missing}`)
      : warning(name, `${folder}${missing} is on ${remote}.`, "Keep it on a local disk: locks and syncs of other file systems are only as good as they are.");
  return [where, checkSpace(name, { free: bsize * bavail, nodes: files > 0 ? ffree : undefined, diskBytesMax })];
}

function checkSpace(
  place: string,
  { free, nodes, diskBytesMax }: { readonly free: number; readonly nodes: number | undefined; readonly diskBytesMax: number | undefined },
): Check {
  const name = place === "data directory" ? "disk space" : `disk space (${place})`;
  const found = `${formatBytes(free)} free`;
  if (free < freeBytesLeast)
    return failed(name, `${found}.`, "Free some space: where the disk is full, the door answers 503 and nothing is lost, but nothing is taken in either.");
  if (nodes !== undefined && nodes < 10_000)
    return warning(name, `${found}, but only ${nodes} files can still be made.`, "Delete small files, or make the file system with more inodes.");
  if (diskBytesMax !== undefined && diskBytesMax > free)
    return warning(
      name,
      `${found}, less than the log may take (log.diskBytesMax, ${formatBytes(diskBytesMax)}).`,
      "Lower log.diskBytesMax, set log.retention, or free space.",
    );
  if (free < freeBytesWarned) return warning(name, `${found}.`, "Free some space, or set log.retention so that what is archived leaves the log.");
  return ok(name, found);
}

/** Writes, syncs, links and removes, as the log and the objects do. */
async function tryFiles(folder: string): Promise<void> {
  const path = join(folder, `.doctor-${randomUUID()}`);
  try {
    const file = await open(path, "wx");
    try {
      await file.write("mainstem doctor\n");
      await file.datasync();
    } finally {
      await file.close();
    }
    await link(path, `${path}.link`);
  } finally {
    await rm(path, { force: true });
    await rm(`${path}.link`, { force: true });
  }
}

const remedies: Readonly<Record<string, string>> = {
  EROFS: "The file system is mounted read-only: mount it for writing, or name another folder with --data-dir.",
  ENOSPC: "The disk is full: free some space.",
  EDQUOT: "The quota of this user is used up: free some space.",
  ENOTSUP: "This file system has no hard links, with which objects are published: name a folder on another one.",
  EOPNOTSUPP: "This file system has no hard links, with which objects are published: name a folder on another one.",
};

function remedyOf(errno: string | undefined, folder: string): string {
  return remedies[errno ?? ""] ?? `Make ${folder} writable for the user that runs Mainstem, or name another with --data-dir.`;
}
