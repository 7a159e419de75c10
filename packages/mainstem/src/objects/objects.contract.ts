import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseObjectKey, readWhole, type ObjectInfo, type ObjectKey, type ObjectStore } from "./objects.ts";

/** An empty set of objects, which several stores can be opened on. */
export interface ObjectsUnderTest extends AsyncDisposable {
  /** Called twice, it opens the same objects again, as another process would. */
  open(): Promise<ObjectStore>;
}
type Create = () => Promise<ObjectsUnderTest>;

/** What every driver of objects promises. */
export function testObjectStore(name: string, create: Create): void {
  describe(`${name} as an object store`, () => {
    testReading(create);
    testPutting(create);
    testConditions(create);
    testKeys(create);
    testListing(create);
    testDeleting(create);
    testEnding(create);
  });
}

/** The order of listings against the bytes of the keys, for arbitrary keys, prefixes and places to go on from. */
export function testObjectStoreOrder(name: string, create: Create, { seconds }: { readonly seconds: number }): void {
  // Around `/` and the borders of UTF-8 and UTF-16: U+FFFD is behind the surrogates in one order, before them in the other.
  const letters = fc.constantFrom("a", "b", "-", ".", "0", "_", " ", "é", "\u{fffd}", "\u{1f600}", "\u{10ffff}");
  const part = fc.string({ unit: letters, minLength: 1, maxLength: 3 }).filter((text) => text !== "." && text !== "..");
  const names = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const keys = fc.uniqueArray(names, { maxLength: 25 }).map(withoutFolders);

  test(`${name} lists arbitrary keys in the order of their bytes, below any prefix, after any key`, async () => {
    const check = fc.asyncProperty(keys, fc.string({ unit: fc.oneof(letters, fc.constant("/")), maxLength: 4 }), names, async (stored, prefix, after) => {
      await using objects = await create();
      await using store = await objects.open();
      for (const one of stored) await store.put(parseObjectKey(one), bytes(one));
      const sorted = [...stored].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const later = (one: string): boolean => Buffer.compare(Buffer.from(one), Buffer.from(after)) > 0;
      assert.deepEqual(await keysOf(store, ""), sorted);
      for (const begin of [prefix, stored[0]?.slice(0, 3) ?? ""].filter((text) => text.isWellFormed())) {
        const below = sorted.filter((one) => one.startsWith(begin));
        assert.deepEqual(await keysOf(store, begin), below);
        assert.deepEqual(await keysOf(store, begin, parseObjectKey(after)), below.filter(later));
        for (const known of stored.slice(0, 3))
          assert.deepEqual(
            await keysOf(store, begin, parseObjectKey(known)),
            below.filter((one) => Buffer.compare(Buffer.from(one), Buffer.from(known)) > 0),
          );
      }
    });
    await fc.assert(check, { numRuns: 10_000, interruptAfterTimeLimit: seconds * 1_000 });
  });
}

function testReading(create: Create): void {
  test("gives back what was put, empty and large", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const large = Buffer.alloc(1_300_000, "0123456789");
    assert.deepEqual(await store.put(key("empty"), []), { kind: "stored", bytes: 0 });
    assert.deepEqual(await store.put(key("some/large.bin"), [large.subarray(0, 5), Buffer.alloc(0), large.subarray(5)]), {
      kind: "stored",
      bytes: large.length,
    });
    assert.equal((await whole(store, "empty")).length, 0);
    assert.ok(large.equals(await whole(store, "some/large.bin")));
    assert.equal((await store.stat(key("some/large.bin")))?.bytes, large.length);
  });

  test("reads ranges, clipped to the object", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("digits"), bytes("0123456789"));
    const cases: readonly (readonly [number, number, string])[] = [
      [0, 10, "0123456789"],
      [3, 5, "34"],
      [3, 3, ""],
      [8, 99, "89"],
      [10, 20, ""],
      [99, 120, ""],
    ];
    for (const [start, end, expected] of cases) assert.equal((await whole(store, "digits", { start, end })).toString(), expected, `${start}..${end}`);
  });

  test("names a missing object", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("folder/object"), bytes("x"));
    for (const missing of ["nothing", "folder", "folder/object/below", "folder/other"]) {
      await assert.rejects(whole(store, missing), { code: "objects.notFound" });
      await assert.rejects(store.local(key(missing)), { code: "objects.notFound" });
      assert.equal(await store.stat(key(missing)), undefined);
    }
  });

  test("a reader that began before a replacement or deletion reads the old object to its end", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const [old, next] = [Buffer.alloc(2_000_000, "o"), Buffer.alloc(2_000_000, "n")];
    for (const change of [() => store.put(key("x"), [next]), () => store.delete([key("x")])]) {
      await store.put(key("x"), [old]);
      const parts: Uint8Array[] = [];
      for await (const part of store.read(key("x"))) {
        if (parts.length === 0) await change();
        parts.push(part);
      }
      assert.ok(old.equals(Buffer.concat(parts)));
    }
  });

  test("a local copy stays until it is released, also after a deletion", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("data/file.parquet"), bytes("content"));
    const local = await store.local(key("data/file.parquet"));
    await store.delete([key("data/file.parquet")]);
    assert.match(local.path, /\.parquet$/);
    assert.equal(await readFile(local.path, "utf8"), "content");
    await local[Symbol.asyncDispose]();
    await local[Symbol.asyncDispose]();
    assert.equal(await store.stat(key("data/file.parquet")), undefined);
    assert.deepEqual(await keysOf(store, ""), []);
  });
}

function testPutting(create: Create): void {
  test("replaces an object as a whole", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("x"), bytes("a longer text"));
    await store.put(key("x"), bytes("short"));
    assert.equal((await whole(store, "x")).toString(), "short");
  });

  test("stores a local file, which its owner keeps, any number of times", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await using folder = await scratch();
    const path = join(folder.path, "source");
    await writeFile(path, "from a file");
    assert.deepEqual(await store.putFile(key("a/1"), path), { kind: "stored", bytes: 11 });
    assert.deepEqual(await store.putFile(key("a/1"), path), { kind: "stored", bytes: 11 });
    assert.deepEqual(await store.putFile(key("a/1"), path, { ifAbsent: true }), { kind: "exists" });
    assert.deepEqual(await store.putFile(key("a/2"), path, { ifAbsent: true }), { kind: "stored", bytes: 11 });
    assert.equal(await readFile(path, "utf8"), "from a file");
    await rm(path);
    assert.equal((await whole(store, "a/1")).toString(), "from a file");
    assert.deepEqual(await keysOf(store, ""), ["a/1", "a/2"]);
    await assert.rejects(store.putFile(key("a/3"), path), { code: "objects.failed" });
    await assert.rejects(store.putFile(key("a/3"), folder.path), { code: "objects.failed" });
    assert.deepEqual(await keysOf(store, ""), ["a/1", "a/2"]);
  });

  test("a body that fails leaves nothing, and what it threw comes through", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const fault = new Error("the source broke");
    await store.put(key("kept"), bytes("before"));
    for (const name of ["kept", "new/one"]) await assert.rejects(store.put(key(name), broken(fault)), (error) => error === fault);
    assert.equal((await whole(store, "kept")).toString(), "before");
    assert.deepEqual(await keysOf(store, ""), ["kept"]);
  });

  test("an abort ends a put whose body hangs, and leaves nothing", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const abort = new AbortController();
    const put = store.put(key("x"), hanging(), { signal: abort.signal });
    setTimeout(() => abort.abort(), 5);
    await assert.rejects(put, { name: "AbortError" });
    await assert.rejects(store.put(key("x"), bytes("x"), { signal: abort.signal }), { name: "AbortError" });
    assert.deepEqual(await keysOf(store, ""), []);
  });

  test("a body is released when its put ends early", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const abort = new AbortController();
    let released = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield Buffer.from("part");
          abort.abort();
        }
      } finally {
        released = true;
      }
    }
    await assert.rejects(store.put(key("x"), body(), { signal: abort.signal }), { name: "AbortError" });
    assert.ok(released);
  });

  test("nobody ever sees a part of an object", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await using other = await objects.open();
    const writing = new AbortController();
    const seen = new Set<number>();
    const watch = (async () => {
      while (!writing.signal.aborted) for await (const { bytes: size } of other.list("")) seen.add(size);
    })();
    for (let round = 0; round < 10; round += 1) await store.put(key("x"), slowly(Buffer.alloc(1_000 * (1 + (round % 2)), "x")));
    writing.abort();
    await watch;
    for (const size of seen) assert.ok(size === 1_000 || size === 2_000, `${size} bytes`);
  });
}

function testConditions(create: Create): void {
  test("of concurrent puts if absent exactly one is stored, and it is the one that is read", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await using other = await objects.open();
    for (let round = 0; round < 8; round += 1) {
      const name = `chain/${round}/entry`;
      const outcomes = await Promise.all(
        Array.from(
          { length: 10 },
          async (_, index) => (await (index % 2 === 0 ? store : other).put(key(name), bytes(`writer ${index}`), { ifAbsent: true })).kind,
        ),
      );
      assert.equal(outcomes.filter((kind) => kind === "stored").length, 1);
      assert.equal((await whole(other, name)).toString(), `writer ${outcomes.indexOf("stored")}`);
    }
  });

  test("a put if absent never touches what is there", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("x"), bytes("first"));
    assert.deepEqual(await store.put(key("x"), bytes("second"), { ifAbsent: true }), { kind: "exists" });
    assert.equal((await whole(store, "x")).toString(), "first");
    await store.delete([key("x")]);
    assert.equal((await store.put(key("x"), bytes("third"), { ifAbsent: true })).kind, "stored");
  });
}

function testKeys(create: Create): void {
  const hostile = [
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    "../x",
    "a/../../x",
    "./x",
    "a/.",
    "a\\..\\b",
    "nul\u0000byte",
    "line\nfeed",
    "lone\ud83d",
    "x".repeat(1_001),
    `${"é".repeat(100)}/`.repeat(10),
  ];

  test("refuses keys that are no relative paths, wherever they come in", async () => {
    await using objects = await create();
    await using store = await objects.open();
    for (const text of hostile) {
      const bad = text as ObjectKey;
      assert.throws(() => parseObjectKey(text), { code: "objects.keyInvalid" });
      await assert.rejects(store.put(bad, bytes("x")), { code: "objects.keyInvalid" });
      await assert.rejects(store.putFile(bad, "/dev/null"), { code: "objects.keyInvalid" });
      await assert.rejects(store.stat(bad), { code: "objects.keyInvalid" });
      await assert.rejects(store.local(bad), { code: "objects.keyInvalid" });
      await assert.rejects(store.delete([key("fine"), bad]), { code: "objects.keyInvalid" });
      await assert.rejects(readWhole(store, bad, { bytesMax: 10 }), { code: "objects.keyInvalid" });
      assert.throws(() => store.uri(bad), { code: "objects.keyInvalid" });
    }
    assert.deepEqual(await keysOf(store, ""), []);
  });

  test("takes keys that look odd but are none of these", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const odd = ["...", "a b/c", "%2e%2e/x", "~", "-rf", "*", "name=value/x", "COM1", "é/\u{1f600}", "__proto__/constructor", "a:b?c#d"];
    for (const text of odd) await store.put(key(text), bytes(text));
    for (const text of odd) assert.equal((await whole(store, text)).toString(), text);
    assert.deepEqual(new Set(await keysOf(store, "")), new Set(odd));
    assert.equal(new Set(odd.map((text) => store.uri(key(text)))).size, odd.length);
  });
}

function testListing(create: Create): void {
  test("lists by prefix and after a key, with sizes and times", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const before = Date.now() - 60_000;
    for (const name of ["a/b/1", "a/b/2", "a/b-c", "a/b0", "a/c", "b"]) await store.put(key(name), bytes(name));
    assert.deepEqual(await keysOf(store, ""), ["a/b-c", "a/b/1", "a/b/2", "a/b0", "a/c", "b"]);
    assert.deepEqual(await keysOf(store, "a/b"), ["a/b-c", "a/b/1", "a/b/2", "a/b0"]);
    assert.deepEqual(await keysOf(store, "a/b/"), ["a/b/1", "a/b/2"]);
    assert.deepEqual(await keysOf(store, "a/b", key("a/b/1")), ["a/b/2", "a/b0"]);
    assert.deepEqual(await keysOf(store, "", key("a/b")), ["a/b-c", "a/b/1", "a/b/2", "a/b0", "a/c", "b"]);
    assert.deepEqual(await keysOf(store, "b", key("c")), []);
    const infos = await collect(store.list("b"));
    assert.equal(infos[0]?.bytes, 1);
    assert.ok((infos[0]?.modified ?? 0) > before && (infos[0]?.modified ?? 0) < Date.now() + 60_000);
  });

  test("a prefix that no key can have lists nothing", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("a/b"), bytes("x"));
    for (const prefix of ["/", "//", "../", "a/../", "./", "a//", "a/b/", "\u0000", "a\\", "\ud83d", "/etc/"])
      assert.deepEqual(await keysOf(store, prefix), []);
  });

  test("an ended or aborted listing stops", async () => {
    await using objects = await create();
    await using store = await objects.open();
    for (let index = 0; index < 100; index += 1) await store.put(key(`k/${index}`), []);
    for await (const first of store.list("")) {
      assert.equal(first.key, "k/0");
      break;
    }
    const abort = new AbortController();
    const seen: ObjectInfo[] = [];
    await assert.rejects(
      (async () => {
        for await (const info of store.list("", { signal: abort.signal })) {
          seen.push(info);
          abort.abort();
        }
      })(),
      { name: "AbortError" },
    );
    assert.equal(seen.length, 1);
  });

  test("objects that come and go during a listing do not disturb those that stay", async () => {
    await using objects = await create();
    await using store = await objects.open();
    const staying = Array.from({ length: 40 }, (_, index) => `s/${String(index).padStart(3, "0")}/x`);
    for (const name of staying) await store.put(key(name), []);
    const listing = new AbortController();
    const churn = (async () => {
      for (let index = 0; !listing.signal.aborted; index += 1) {
        const name = key(`s/${String(index % 40).padStart(3, "0")}-temporary/y`);
        await store.put(name, []);
        await store.delete([name]);
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      const found = await keysOf(store, "");
      assert.deepEqual(
        found.filter((one) => !one.includes("temporary")),
        staying,
      );
    }
    listing.abort();
    await churn;
  });
}

function testDeleting(create: Create): void {
  test("deletes what is there and no more", async () => {
    await using objects = await create();
    await using store = await objects.open();
    for (const name of ["a/1", "a/2", "b"]) await store.put(key(name), []);
    await store.delete([key("a/1"), key("missing"), key("a"), key("b/below"), key("a/1")]);
    await store.delete([]);
    assert.deepEqual(await keysOf(store, ""), ["a/2", "b"]);
  });

  test("a name that was a folder can become an object once it is empty", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await store.put(key("a/b/c"), []);
    await store.delete([key("a/b/c")]);
    await store.put(key("a"), bytes("now an object"), { ifAbsent: true });
    assert.deepEqual(await keysOf(store, ""), ["a"]);
  });

  test("puts and deletes of one folder at once never fail", async () => {
    await using objects = await create();
    await using store = await objects.open();
    await using other = await objects.open();
    const worker = async (own: ObjectStore, name: string): Promise<void> => {
      for (let round = 0; round < 15; round += 1) {
        await own.put(key(`deep/er/folder/${name}`), bytes(name), { ifAbsent: true });
        assert.equal((await whole(own, `deep/er/folder/${name}`)).toString(), name);
        await own.delete([key(`deep/er/folder/${name}`)]);
      }
    };
    await Promise.all([worker(store, "1"), worker(store, "2"), worker(other, "3"), worker(other, "4")]);
    assert.deepEqual(await keysOf(store, ""), []);
  });
}

function testEnding(create: Create): void {
  test("after closing everything is refused, closing twice is fine", async () => {
    await using objects = await create();
    const store = await objects.open();
    await store.put(key("x"), bytes("x"));
    const reading = store.read(key("x"))[Symbol.asyncIterator]();
    const put = store.put(key("y"), hanging());
    const refused = assert.rejects(put, { code: "resource.closed" });
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await refused;
    const closed = { code: "resource.closed" };
    await assert.rejects(Promise.resolve(reading.next()), closed);
    await assert.rejects(store.put(key("z"), []), closed);
    await assert.rejects(store.stat(key("x")), closed);
    await assert.rejects(store.local(key("x")), closed);
    await assert.rejects(store.delete([key("x")]), closed);
    await assert.rejects(keysOf(store, ""), closed);
    await using again = await objects.open();
    assert.deepEqual(await keysOf(again, ""), ["x"]);
  });
}

function key(text: string): ObjectKey {
  return parseObjectKey(text);
}

function bytes(text: string): Uint8Array[] {
  return [Buffer.from(text)];
}

async function whole(store: ObjectStore, name: string, range?: { readonly start: number; readonly end: number }): Promise<Buffer> {
  return Buffer.concat(await collect(store.read(key(name), range === undefined ? {} : { range })));
}

async function keysOf(store: ObjectStore, prefix: string, after?: ObjectKey): Promise<readonly string[]> {
  return await keysIn(store.list(prefix, after === undefined ? {} : { after }));
}

/** Leaves out keys that are the beginning of another's path: no store of files can hold both. */
function withoutFolders(keys: readonly string[]): readonly string[] {
  return keys.filter((one) => !keys.some((other) => other.startsWith(`${one}/`)));
}

async function keysIn(infos: AsyncIterable<ObjectInfo>): Promise<readonly string[]> {
  return (await collect(infos)).map((info) => info.key);
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function* broken(fault: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.from("the first part");
  throw fault;
}

async function* hanging(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("the first part");
  await new Promise(() => undefined);
}

async function* slowly(content: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 100) {
    yield content.subarray(at, at + 100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function scratch(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "mainstem-objects-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
