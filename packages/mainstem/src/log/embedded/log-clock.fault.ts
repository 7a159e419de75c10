import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { silentLogger } from "../../runtime/logger.ts";
import { at, createManualEnv, createRandom, toBatch, toSpec } from "../log-testing.ts";
import type { Log } from "../log.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { SimulatedFileSystem } from "./simulated-file-system.ts";

const start = 1_800_000_000_000;
const path = "/data/log/clock";

describe("the log's clock", () => {
  test("keeps what it told through any loss of power, whatever the clock says afterwards", async () => {
    let checked = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = createRandom(seed);
      let disk = new SimulatedFileSystem({ random });
      let told = 0;
      for (let life = 0; life < 4; life++) {
        disk.losePowerAt = 1 + Math.floor(random() * 100);
        const live = async (): Promise<void> => {
          const env = createManualEnv(start + Math.floor((random() - 0.5) * 100_000));
          const log = await open(disk, env);
          const topic = await log.createTopic(toSpec("t"));
          const { timestamp } = await log.append(at(topic), toBatch(["after a jump"]));
          if (told > 0 && env.now() < told) checked++;
          assert.ok(timestamp >= told, `seed ${seed}: stamped ${timestamp}, and ${told} was told`);
          for (let look = 0; look < 10; look++) {
            env.set(env.now() + Math.floor((random() - 0.3) * 10_000));
            told = Math.max(told, (await log.settled(at(topic))).asOf);
          }
        };
        await Promise.race([disk.untilLost(), live()]);
        disk = random() < 0.6 ? disk.losePower() : disk.kill();
      }
    }
    assert.ok(checked > 30, `${checked} times a clock was behind what was told`);
  });

  test("says no more than what a disk that refuses has, and goes on when it takes writes again", async () => {
    for (const refused of ["write", "sync"]) {
      const disk = new SimulatedFileSystem({ random: () => 0.999 });
      const env = createManualEnv(start);
      const log = await open(disk, env);
      const topic = await log.createTopic(toSpec("t"));
      assert.equal((await log.settled(at(topic))).asOf, start);
      disk.refuse = (operation, of) => (operation === refused && of === path ? "EIO" : undefined);
      env.set(start + 60_000);
      assert.equal((await log.settled(at(topic))).asOf, start);
      const lost = disk.losePower();
      env.set(start - 60_000);
      assert.equal((await (await open(lost, env)).settled(at(topic))).asOf, start);

      env.set(start + 120_000);
      disk.refuse = undefined;
      await using again = await open(disk.kill(), env);
      assert.equal((await again.settled(at(topic))).asOf, start + 120_000);
    }
  });

  test("costs one write a second at most, however many ask for however many partitions", async () => {
    const disk = new SimulatedFileSystem({ random: Math.random });
    const env = createManualEnv(start);
    await using log = await open(disk, env);
    const topic = await log.createTopic(toSpec("t", { partitions: 8 }));
    let writes = 0;
    disk.refuse = (operation, of) => void (operation === "write" && of === path && writes++);
    for (let ms = 0; ms < 10_000; ms += 100) {
      env.set(start + ms);
      await Promise.all(Array.from({ length: 8 }, (_, partition) => log.settled(at(topic, partition))));
    }
    assert.equal(writes, 10);
  });

  test("is made where an older log has none, and damage to it is named", async () => {
    const disk = new SimulatedFileSystem({ random: Math.random });
    const env = createManualEnv(start);
    await (await open(disk, env))[Symbol.asyncDispose]();
    await disk.remove(path);
    const log = await open(disk, env);
    const topic = await log.createTopic(toSpec("t"));
    await log.settled(at(topic));
    await log[Symbol.asyncDispose]();
    const bytes = disk.peek(path);

    for (let position = 0; position < 20; position++) {
      const one = Buffer.from(bytes);
      one[position]! ^= 1;
      disk.poke(path, one);
      await (await open(disk.clone(), env))[Symbol.asyncDispose]();
      one[4_096 + position]! ^= 1;
      disk.poke(path, one);
      await assert.rejects(open(disk.clone(), env), { code: "log.corrupt", facts: { file: path } });
    }
    disk.poke(path, bytes.subarray(0, 100));
    await assert.rejects(open(disk.clone(), env), { code: "log.corrupt" });
  });
});

function open(disk: SimulatedFileSystem, env = createManualEnv(start)): Promise<Log> {
  return openEmbeddedLog({ directory: "/data/log", env, logger: silentLogger, fileSystem: disk });
}
