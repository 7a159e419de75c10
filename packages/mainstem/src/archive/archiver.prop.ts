import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { archiveAll, checkArchive, createTestClock, openPipeline, startArchiver, type Pipeline, type TestClock } from "./testing/pipeline.ts";
import { Faults, logWithFaults, withFaults, type Fault } from "./testing/faults.ts";
import { openTestDirectory } from "./testing/stores.ts";

const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3);
const partitions = 2;

const bytes = fc.option(fc.uint8Array({ maxLength: 400 }), { nil: null });
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 10, unit: "binary" }), value: bytes }), { maxLength: 3 }),
});
const append = fc.record({
  kind: fc.constant("append" as const),
  partition: fc.nat(partitions - 1),
  records: fc.array(record, { minLength: 1, maxLength: 30 }),
  /** The batch stands that often in the log. */
  times: fc.integer({ min: 1, max: 4 }),
});
const wait = fc.record({ kind: fc.constant("wait" as const), ms: fc.oneof(fc.nat(2_000), fc.nat(7_200_000)) });
const archive = fc.record({
  kind: fc.constant("archive" as const),
  archivers: fc.array(
    fc.record({
      maxBytes: fc.integer({ min: 1, max: 10_000 }),
      everyMs: fc.constantFrom(1, 1_000, 1e12),
      faults: fc.array(fc.record({ call: fc.nat(60), fault: fc.constantFrom<Fault>("before", "after") }), { maxLength: 3 }),
      /** From this call on nothing works. */
      diesAt: fc.option(fc.nat(60), { nil: Infinity }),
      flush: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});
type Step =
  typeof append extends fc.Arbitrary<infer A>
    ? typeof wait extends fc.Arbitrary<infer W>
      ? typeof archive extends fc.Arbitrary<infer R>
        ? A | W | R
        : never
      : never
    : never;

test("archives the log byte for byte, however it was cut, restarted, raced and broken off", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ arbitrary: append, weight: 3 }, { arbitrary: wait, weight: 1 }, { arbitrary: archive, weight: 2 }), { minLength: 2, maxLength: 12 }),
      async (steps) => {
        await using directory = await openTestDirectory();
        const env = createTestClock(Date.UTC(2026, 10, 21, 9, 50));
        await using pipeline = await openPipeline({ directory: directory.path, env, partitions });
        for (const step of steps) await takeStep(pipeline, env, step);
        await archiveAll(pipeline);
        await checkArchive(pipeline, { partitions });
        runs++;
      },
    ),
    { numRuns: 1_000_000, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false },
  );
  assert.ok(runs > 0, "there was no time for a single run");
});

async function takeStep(pipeline: Pipeline, env: TestClock, step: Step): Promise<void> {
  switch (step.kind) {
    case "append":
      for (let times = 0; times < step.times; times++) await pipeline.append(step.partition, step.records);
      return;
    case "wait":
      env.ms += step.ms;
      return;
    case "archive":
      await Promise.all(
        step.archivers.map(async ({ maxBytes, everyMs, faults, diesAt, flush }) => {
          const injected = new Faults((call) => (call >= diesAt ? "before" : faults.find((one) => one.call === call)?.fault));
          const archiver = pipeline.archiver({
            maxBytes,
            everyMs,
            objects: withFaults(pipeline.objects, injected),
            log: logWithFaults(pipeline.log, injected),
          });
          const running = startArchiver(archiver);
          if (flush) await Promise.race([running.ended, archiver.flush()]);
          else await Promise.race([running.ended, env.sleep(1)]);
          await running.stop();
        }),
      );
      return;
    default:
      step satisfies never;
  }
}
