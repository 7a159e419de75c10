import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemEnv } from "../../runtime/env.ts";
import { until } from "../../runtime/testing/until.ts";
import { testObjectStore } from "../objects.contract.ts";
import { parseObjectKey, readWhole, type ObjectInfo, type ObjectKey } from "../objects.ts";
import { openDirectoryStore } from "./store.ts";

const key = parseObjectKey;

testObjectStore("a directory", async () => {
  const folder = await scratch();
  return { open: () => openDirectoryStore({ directory: join(folder.path, "objects") }), [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
});

test("an object is a file of the same path, and its address leads to it", async () => {
  await using folder = await scratch();
  await using store = await openDirectoryStore({ directory: folder.path });
  await store.put(key("tables/shop/a b%.parquet"), [Buffer.from("x")]);
  assert.equal(await readFile(join(folder.path, "tables/shop/a b%.parquet"), "utf8"), "x");
  assert.equal(await readFile(fileURLToPath(store.uri(key("tables/shop/a b%.parquet"))), "utf8"), "x");
});

test("keys that no file can have are refused by name", async () => {
  await using folder = await scratch();
  await using store = await openDirectoryStore({ directory: folder.path });
  const put = (text: string) => store.put(key(text), []);
  await put(`${"x".repeat(255)}/y`);
  await assert.rejects(put("x".repeat(256)), { code: "objects.keyInvalid" });
  await assert.rejects(put(`a/${"é".repeat(128)}`), { code: "objects.keyInvalid" });
  await assert.rejects(put(".temp"), { code: "objects.keyInvalid" });
  await assert.rejects(put(".temp/x"), { code: "objects.keyInvalid" });
  await put("a/b");
  await assert.rejects(put("a/b/c"), { code: "objects.keyInvalid", message: /"a\/b" is an object/ });
  await assert.rejects(put("a"), { code: "objects.keyInvalid", message: /folder/ });
  await assert.rejects(store.put(key("a"), [], { ifAbsent: true }), { code: "objects.keyInvalid", message: /folder/ });
  await put("b/.temp/fine");
});

test("symbolic links inside the store are never followed", async () => {
  await using folder = await scratch();
  const outside = join(folder.path, "outside");
  const inside = join(folder.path, "objects");
  await mkdir(outside);
  await writeFile(join(outside, "secret"), "secret");
  await using store = await openDirectoryStore({ directory: inside });
  await symlink(outside, join(inside, "door"));
  await symlink(join(outside, "secret"), join(inside, "file"));
  for (const name of ["door/secret", "file"]) {
    await assert.rejects(readWhole(store, key(name), { bytesMax: 10 }), { code: "objects.failed", message: /symbolic link/ });
    await assert.rejects(store.stat(key(name)), { code: "objects.failed" });
    await assert.rejects(store.local(key(name)), { code: "objects.failed" });
    await assert.rejects(store.put(key(name), [Buffer.from("x")], { ifAbsent: true }), { code: "objects.failed" });
  }
  await assert.rejects(store.put(key("door/new/deep"), []), { code: "objects.failed" });
  await assert.rejects(store.delete([key("door/secret")]), { code: "objects.failed" });
  await assert.rejects(keysIn(store.list("door/")), { code: "objects.failed" });
  assert.deepEqual(await keysIn(store.list("")), []);
  assert.deepEqual(await readdir(outside), ["secret"]);
  assert.equal(await readFile(join(outside, "secret"), "utf8"), "secret");
});

test("putting a symbolic link stores the file that it names", async () => {
  await using folder = await scratch();
  await using store = await openDirectoryStore({ directory: join(folder.path, "objects") });
  await writeFile(join(folder.path, "real"), "content");
  await symlink(join(folder.path, "real"), join(folder.path, "link"));
  await store.putFile(key("x"), join(folder.path, "link"));
  assert.equal((await readWhole(store, key("x"), { bytesMax: 10 })).toString(), "content");
});

test("a stored file has the time of its storing, not that of its source", async () => {
  await using folder = await scratch();
  await using store = await openDirectoryStore({ directory: join(folder.path, "objects") });
  const source = join(folder.path, "source");
  await writeFile(source, "content");
  await utimes(source, 1, 1);
  await store.putFile(key("x"), source);
  assert.ok(((await store.stat(key("x")))?.modified ?? 0) > Date.now() - 60_000);
});

test("names that are no keys, and what is no file, are not listed", async () => {
  await using folder = await scratch();
  await using store = await openDirectoryStore({ directory: folder.path });
  await store.put(key("fine"), []);
  await writeFile(join(folder.path, "back\\slash"), "");
  await writeFile(Buffer.concat([Buffer.from(`${folder.path}/broken-`), Buffer.from([0xff, 0xfe])]), "");
  await mkdir(join(folder.path, "empty/folder"), { recursive: true });
  assert.deepEqual(await keysIn(store.list("")), ["fine"]);
});

test("unfinished objects are not listed, and are swept on open once they are old", async () => {
  await using folder = await scratch();
  const abort = new AbortController();
  await using store = await openDirectoryStore({ directory: folder.path });
  const put = store.put(key("x"), unending(), { signal: abort.signal });
  await until("the object is being written", async () => (await readdir(join(folder.path, ".temp"))).length > 0);
  await using local = await pinned(folder.path);
  assert.deepEqual(await keysIn(store.list("")), ["pinned"]);

  await (await openDirectoryStore({ directory: folder.path }))[Symbol.asyncDispose]();
  assert.equal((await readdir(join(folder.path, ".temp"))).length, 2, "what is young may be in use");

  await writeFile(join(folder.path, ".temp", "something of a user"), "");
  const later = { ...systemEnv, now: () => Date.now() + 25 * 3_600_000 };
  await (await openDirectoryStore({ directory: folder.path, env: later }))[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(join(folder.path, ".temp")), ["something of a user"]);
  abort.abort();
  await assert.rejects(put, { name: "AbortError" });
  assert.ok(local.path.includes(".temp"));
});

test("a directory that cannot be used is named", async () => {
  await using folder = await scratch();
  await writeFile(join(folder.path, "file"), "");
  await assert.rejects(openDirectoryStore({ directory: join(folder.path, "file") }), { code: "objects.failed", message: /file/ });
  await assert.rejects(openDirectoryStore({ directory: join(folder.path, "file/below") }), { code: "objects.failed" });
});

test("the store's directory may itself be reached by a symbolic link", async () => {
  await using folder = await scratch();
  await mkdir(join(folder.path, "real"));
  await symlink(join(folder.path, "real"), join(folder.path, "link"));
  await using store = await openDirectoryStore({ directory: join(folder.path, "link") });
  await store.put(key("a/b"), [Buffer.from("x")]);
  assert.deepEqual(await keysIn(store.list("a/")), ["a/b"]);
});

async function keysIn(infos: AsyncIterable<ObjectInfo>): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const info of infos) keys.push(info.key);
  return keys;
}

async function* unending(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("part");
  await new Promise(() => undefined);
}

async function pinned(directory: string) {
  const store = await openDirectoryStore({ directory });
  await store.put("pinned" as ObjectKey, []);
  return await store.local("pinned" as ObjectKey);
}

async function scratch(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-objects-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
