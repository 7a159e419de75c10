import assert from "node:assert/strict";
import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { errnoOf, makeDirectory } from "./files.ts";

test("a directory is made with its missing parents, by several at once, and one that is there is left alone", async (context) => {
  const root = await mkdtemp(join(tmpdir(), "mainstem-files-"));
  context.after(() => rm(root, { recursive: true }));
  const path = join(root, "a/b/c");
  await Promise.all([makeDirectory(path), makeDirectory(path), makeDirectory(join(root, "a/b/d"))]);
  await makeDirectory(path);
  assert.ok((await stat(path)).isDirectory() && (await stat(join(root, "a/b/d"))).isDirectory());
  await symlink(join(root, "a"), join(root, "link"));
  await makeDirectory(join(root, "link/b/e"));
  assert.ok((await stat(join(root, "a/b/e"))).isDirectory());
});

test("a directory that cannot be made says so, at once", async (context) => {
  const root = await mkdtemp(join(tmpdir(), "mainstem-files-"));
  context.after(() => rm(root, { recursive: true }));
  await writeFile(join(root, "file"), "");
  const codeOf = (path: string): Promise<string | undefined> => makeDirectory(path).then(() => undefined, errnoOf);
  assert.equal(await codeOf(join(root, "file")), "ENOTDIR");
  assert.equal(await codeOf(join(root, "file/below")), "ENOTDIR");
  // Where Linux says ENOENT of a new directory, though its parent is there.
  if (process.platform === "linux") assert.equal(await codeOf("/proc/mainstem/data"), "ENOENT");
});
