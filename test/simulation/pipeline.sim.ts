import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { messageOf } from "../../packages/mainstem/src/runtime/errors.ts";
import { brokenVariants } from "./broken.ts";
import { simulate, type Course } from "./world.ts";

const secondsMax = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);
const seedGiven = process.env["MAINSTEM_TEST_SEED"];
/** A fault that this many courses of events do not show is one that the simulation does not find. */
const seedsMax = 200;

describe("the way from the log into the table, in a simulated world", () => {
  test("keeps everything acknowledged, once, in the log, the archive and the table, and never says to be complete when it is not", async (context) => {
    const directory = await openDirectory(context);
    const end = performance.now() + secondsMax * 1_000;
    const courses: Course[] = [];
    for (let seed = Number(seedGiven ?? Date.now() % 1_000_000_000); ; seed++) {
      try {
        courses.push(await simulate({ seed, directory }));
      } catch (cause) {
        throw new Error(`${messageOf(cause)}\n\nagain with: MAINSTEM_TEST_SEED=${seed} npm test -- simulation/pipeline`, { cause });
      }
      if (seedGiven !== undefined || performance.now() > end) break;
    }
    const sum = (key: keyof Course): number => courses.reduce((total, course) => total + course[key], 0);
    const facts = `${sum("lives")} lives, ${sum("acknowledged")} records acknowledged, ${sum("snapshots")} snapshots, ${Math.round(sum("ms") / 60_000)} minutes`;
    context.diagnostic(`${courses.length} seeds: ${facts}`);
    assert.ok(sum("acknowledged") > 0 && sum("snapshots") > 0);
  });

  test("takes the same course for the same seed", async (context) => {
    const directory = await openDirectory(context);
    assert.deepEqual(await simulate({ seed: 7, directory }), await simulate({ seed: 7, directory }));
  });

  for (const { what, variant, found, from } of brokenVariants) {
    test(`finds a platform that ${what}`, async (context) => {
      const directory = await openDirectory(context);
      for (let seed = from; seed < from + seedsMax; seed++) {
        const said = await simulate({ seed, directory, variant }).then(
          () => "",
          (error: unknown) => String(error),
        );
        if (found.test(said)) return context.diagnostic(`found by seed ${seed}, after ${seed - from + 1}`);
      }
      assert.fail(`${seedsMax} seeds did not find it`);
    });
  }
});

async function openDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-simulation-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
