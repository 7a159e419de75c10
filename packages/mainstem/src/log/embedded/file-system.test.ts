import assert from "node:assert/strict";
import { constants, readlinkSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { nodeFileSystem } from "./file-system.ts";

describe("the machine's file system", () => {
  test("writes more buffers than one call of the kernel takes, all of them, anywhere in the file", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "file");
      const file = await nodeFileSystem.open(path, "create");
      const buffers = Array.from({ length: 2_500 }, (_, index) => Buffer.alloc(index % 7, index & 0xff));
      await file.write([Buffer.from("beginning")], 0);
      await file.write(buffers, 5);
      await file.write([], 3);
      await file.sync();
      const whole = Buffer.concat([Buffer.from("begin"), ...buffers]);
      assert.deepEqual(await readFile(path), whole);
      const into = Buffer.alloc(100);
      assert.equal(await file.read(into, whole.length - 10), 10);
      assert.deepEqual(into.subarray(0, 10), whole.subarray(-10));
      await file.truncate(7);
      assert.equal(await file.size(), 7);
      await file.close();
      const again = await nodeFileSystem.open(path, "create");
      assert.equal(await again.size(), 7);
      await again.close();
    });
  });

  test("writes durably where that was asked for, and syncs by hand too", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "file");
      const file = await nodeFileSystem.open(path, "create", { durable: true });
      await file.write([Buffer.from("one"), Buffer.from("two")], 0);
      await file.truncate(3);
      await file.sync();
      await file.write([Buffer.from("three")], 3);
      assert.equal(await readFile(path, "utf8"), "onethree");
      if (process.platform === "linux") {
        const [name = ""] = (await readdir("/proc/self/fd")).filter((fd) => readlinkOf(fd) === path);
        const flags = /^flags:\s*(?<octal>\d+)/m.exec(await readFile(`/proc/self/fdinfo/${name}`, "utf8"))?.groups?.["octal"] ?? "";
        assert.equal(Number.parseInt(flags, 8) & constants.O_DSYNC, constants.O_DSYNC);
      }
      await file.close();
    });
  });

  test("closes a file after what is under way, and refuses what comes later", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "file");
      const file = await nodeFileSystem.open(path, "create");
      const writes = Array.from({ length: 20 }, (_, index) => file.write([Buffer.alloc(100_000, index)], index * 100_000));
      const closed = file.close();
      await assert.rejects(file.write([Buffer.from("late")], 0), { code: "EBADF" });
      await Promise.all([...writes, closed, file.close()]);
      assert.equal((await readFile(path)).length, 2_000_000);
    });
  });

  test("keeps errors of the system as they are", async () => {
    await inDirectory(async (directory) => {
      await assert.rejects(nodeFileSystem.open(join(directory, "nothing"), "write"), { code: "ENOENT" });
      await assert.rejects(nodeFileSystem.open(join(directory, "nothing"), "read"), { code: "ENOENT" });
      await nodeFileSystem.remove(join(directory, "nothing"));
    });
  });
});

function readlinkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // the descriptor of the listing itself
  }
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-files-"));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
