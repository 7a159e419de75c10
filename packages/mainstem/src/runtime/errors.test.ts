import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { factsOf, MainstemError, messageOf, toErrorValue } from "./errors.ts";

test("what the system refuses for the disk's sake is tried again, and is no bug", async () => {
  const refused = Object.assign(new Error("EROFS: read-only file system, mkdir '/data'"), { code: "EROFS", syscall: "mkdir" });
  assert.deepEqual([factsOf(refused).code, factsOf(refused).task, factsOf(refused).status], ["disk.failed", "retry", 503]);
  assert.deepEqual(toErrorValue(refused), { code: "disk.failed", message: refused.message, facts: {} });
  // A file that nobody expected to be missing is a fault of ours.
  const missing: unknown = await readFile("/nowhere/at/all").catch((error: unknown) => error);
  assert.equal(factsOf(missing).code, "runtime.bug");
});

test("of failures on the way out the first is told", () => {
  const first = new MainstemError("objects.failed", "The store is full.", { key: "a" });
  const run = (): void => {
    using stack = new DisposableStack();
    stack.defer(() => {
      throw new Error("the folder could not be removed");
    });
    stack.defer(() => {
      throw new Error("nor could the file");
    });
    throw first;
  };
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof SuppressedError);
    assert.equal(factsOf(error).code, "objects.failed");
    assert.deepEqual(toErrorValue(error), { code: "objects.failed", message: first.message, facts: { key: "a" } });
    assert.equal(messageOf(error), first.message);
    return true;
  });
});
