import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ObjectStore } from "../objects/index.ts";
import { factsOf, MainstemError } from "../runtime/errors.ts";
import { until } from "../runtime/testing/until.ts";
import { allOf } from "./testing/all-of.ts";
import type { TestRecord } from "./testing/batches.ts";
import { Faults, logWithFaults, withFaults, type Fault } from "./testing/faults.ts";
import { deleteOrphans, findOrphans } from "./orphans.ts";
import { archiveAll, checkArchive, openPipeline, readEntries, readMessages, startArchiver, type Pipeline } from "./testing/pipeline.ts";
import { partitionPrefix } from "./paths.ts";
import { openTestDirectory } from "./testing/stores.ts";

const maxBytes = 3_000;
/** The last one needs a scratch file. */
const records: readonly TestRecord[] = Array.from({ length: 130 }, (_, index) => ({
  key: Buffer.from(`key-${index}`),
  value: index < 129 ? Buffer.alloc(40, index) : randomBytes(80_000),
}));

/** A partition with one chunk, and records for two or three more; an archiver on it over stores with faults. */
async function runWithFaults(pipeline: Pipeline, faults: Faults): Promise<unknown> {
  const archiver = pipeline.archiver({ maxBytes, objects: withFaults(pipeline.objects, faults), log: logWithFaults(pipeline.log, faults) });
  const running = startArchiver(archiver);
  const error = await Promise.race([running.ended, archiver.flush().then(() => undefined)]);
  await running.stop();
  return error;
}

async function openScene(directory: string): Promise<Pipeline> {
  const pipeline = await openPipeline({ directory });
  await pipeline.append(0, records.slice(0, 20));
  await archiveAll(pipeline);
  await pipeline.append(0, records.slice(20));
  return pipeline;
}

/** What an archiver asks of the stores in the scene when nothing goes wrong. */
async function callsWithoutFaults(): Promise<readonly string[]> {
  await using directory = await openTestDirectory();
  await using pipeline = await openScene(directory.path);
  const faults = new Faults();
  assert.equal(await runWithFaults(pipeline, faults), undefined);
  assert.ok((await readEntries(pipeline.objects, pipeline.at(0))).length >= 3);
  await checkArchive(pipeline);
  return faults.calls;
}

const calls = await callsWithoutFaults();

/** One call fails and the next succeed, or nothing works any more after it, as when the process dies there. */
const courses: readonly { readonly what: string; readonly fault: Fault; readonly dies: boolean }[] = [
  { what: "fails", fault: "before", dies: false },
  { what: "loses its acknowledgement", fault: "after", dies: false },
  { what: "is never made, as the process dies", fault: "before", dies: true },
  { what: "is the last, as the process dies", fault: "after", dies: true },
];

for (const { what, fault, dies } of courses)
  test(`keeps every record once whichever of ${calls.length} calls ${what}`, async () => {
    let failures = 0;
    let orphans = 0;
    const breakAt = async (at: number, call: string): Promise<void> => {
      await using directory = await openTestDirectory();
      await using pipeline = await openScene(directory.path);
      const faults = new Faults(failAt(at, { fault, dies }));
      const error = await runWithFaults(pipeline, faults);
      if (error !== undefined) {
        assert.equal(factsOf(error).code, "objects.failed", call);
        failures++;
      }
      assert.deepEqual(await readdir(join(directory.path, "scratch")).catch(() => []), [], `${call} left a scratch file`);
      await archiveAll(pipeline, { maxBytes });
      await checkArchive(pipeline);
      const found = (await findOrphans(pipeline.objects, pipeline.at(0))).length;
      orphans += found;
      assert.equal(await deleteOrphans(pipeline.dataset, { objects: pipeline.objects, before: Infinity }), found);
      await checkArchive(pipeline);
      assert.deepEqual(await findOrphans(pipeline.objects, pipeline.at(0)), []);
    };
    // Each scene mostly waits for its disk syncs.
    await Promise.all(calls.map((call, at) => breakAt(at, call)));
    // All but the puts of entries, which are tried again, and deletions, which may fail, end the run.
    assert.ok(failures >= calls.length / 2, `${failures} of ${calls.length} faults were seen`);
    assert.equal(orphans > 0, dies, `${orphans} orphans`);
  });

/** Fails one call, or it and all after it. A busy machine looks at the log more often than the scene without faults did: that counts as one call. */
function failAt(at: number, { fault, dies }: { readonly fault: Fault; readonly dies: boolean }): (call: number, what: string) => Fault | undefined {
  let number = -1;
  let looked = false;
  return (_, what) => {
    const again = looked && what.startsWith("settled ");
    looked ||= what.startsWith("settled ");
    if (!again) number++;
    if (number === at && !again) return fault;
    return dies && number >= at ? "before" : undefined;
  };
}

test("announces an entry that it adopts, as its author may have died before", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  const survivor = pipeline.archiver();
  await using running = new AsyncDisposableStack();
  running.use(startArchiver(survivor));
  await survivor.flush();
  await pipeline.append(0, records);
  await until("all records are seen", () => survivor.progress()[0]?.logStable === records.length);
  const faults = new Faults((_, call) => (call.startsWith("append ") ? "before" : undefined));
  const author = pipeline.archiver({ log: logWithFaults(pipeline.log, faults) });
  const died = startArchiver(author).ended;
  author.flush({ signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  assert.equal(factsOf(await died).code, "objects.failed");
  assert.deepEqual(await readMessages(pipeline.log, pipeline.dataset.topics.chunks), []);
  await survivor.flush();
  await checkArchive(pipeline);
});

test("keeps the data of an entry that was put although nothing was heard of it", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openScene(directory.path);
  let silent = false;
  const faults = new Faults((_, call) => {
    if (!call.includes("/_chain/") || call.startsWith("list ")) return undefined;
    if (call.startsWith("put ")) silent = true;
    if (call.startsWith("put ")) return "after";
    return silent ? "before" : undefined;
  });
  assert.equal(factsOf(await runWithFaults(pipeline, faults)).code, "objects.failed");
  assert.equal((await readEntries(pipeline.objects, pipeline.at(0))).length, 2);
  await archiveAll(pipeline);
  await checkArchive(pipeline);
});

for (const lands of ["before the next archiver looks", "just before the next archiver's own entry"] as const)
  test(`takes over an entry whose put arrives late, ${lands}`, async () => {
    await using directory = await openTestDirectory();
    await using pipeline = await openScene(directory.path);
    const late: (() => Promise<unknown>)[] = [];
    const slow = withFaults(pipeline.objects, new Faults());
    const first: ObjectStore = {
      ...slow,
      put: (key, body, options) => {
        if (!key.includes("/_chain/")) return slow.put(key, body, options);
        late.push(() => slow.put(key, body, options));
        return Promise.reject(new MainstemError("objects.failed", "the connection was lost"));
      },
    };
    const archiver = pipeline.archiver({ objects: first });
    const { ended } = startArchiver(archiver);
    archiver.flush({ signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    assert.equal(factsOf(await ended).code, "objects.failed");
    const arrive = async (): Promise<void> => {
      for (const put of late.splice(0)) await put();
    };
    if (lands === "before the next archiver looks") await arrive();
    await archiveAll(pipeline, {
      maxBytes,
      objects: { ...slow, put: async (key, body, options) => (key.includes("/_chain/") ? await arrive() : undefined, await slow.put(key, body, options)) },
    });
    await checkArchive(pipeline);
    assert.equal((await readEntries(pipeline.objects, pipeline.at(0)))[1]?.next, records.length);
  });

test("names what a lost race leaves behind, and nothing that an entry names", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openScene(directory.path);
  // Deleting fails throughout, so each lost race leaves its object.
  const faults = new Faults((_, call) => (call.startsWith("delete ") ? "before" : undefined));
  const archivers = Array.from({ length: 3 }, () => pipeline.archiver({ maxBytes, objects: withFaults(pipeline.objects, faults) }));
  const running = archivers.map(startArchiver);
  for (let round = 0; round < 5; round++) {
    await Promise.all(archivers.map((archiver) => archiver.flush()));
    await pipeline.append(0, records.slice(0, 30));
  }
  await Promise.all(archivers.map((archiver) => archiver.flush()));
  await Promise.all(running.map((one) => one.stop()));
  await checkArchive(pipeline);
  const lost = faults.calls.filter((call) => call.startsWith("delete ")).map((call) => call.slice("delete ".length));
  assert.ok(lost.length > 0, "no race was lost");
  assert.deepEqual(new Set((await findOrphans(pipeline.objects, pipeline.at(0))).map(({ key }) => String(key))), new Set(lost));
});

test("what was stored by a crash before its entry is kept while it may be named, and deleted once the chain went on without it", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openScene(directory.path);
  const { objects, dataset } = pipeline;
  const dataObjects = async (): Promise<number> => {
    const keys = (await allOf(objects.list(partitionPrefix(pipeline.at(0))))).map(({ key }) => key);
    return keys.filter((key) => key.endsWith(".avro")).length;
  };
  const faults = new Faults((_, call) => (call.startsWith("put ") && call.includes("/_chain/") ? "before" : undefined));
  assert.equal(factsOf(await runWithFaults(pipeline, faults)).code, "objects.failed");
  assert.equal(await dataObjects(), 2);
  assert.equal(await deleteOrphans(dataset, { objects, before: Infinity }), 0, "its entry may be on its way");
  await archiveAll(pipeline);
  assert.equal(await deleteOrphans(dataset, { objects, before: 0 }), 0, "it is young");
  assert.equal(await deleteOrphans(dataset, { objects, before: Infinity }), 1);
  assert.equal(await dataObjects(), 2);
  await checkArchive(pipeline);
});

test("archivers that race, die and lose answers lose no record while orphans are deleted all the time", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path });
  const { objects, dataset } = pipeline;
  const over = new AbortController();
  let deleted = 0;
  const sweep = (async () => {
    while (!over.signal.aborted) deleted += await deleteOrphans(dataset, { objects, before: Infinity });
  })();
  for (let round = 0; round < 12; round++) {
    await pipeline.append(0, records.slice(0, 40));
    // Each dies somewhere, some between a data object and its entry, some before they have deleted what lost; the last one does not.
    const dying = [0, 1, 2, 3].map((one) => (call: number) => (call >= 8 + ((7 * round + 5 * one) % 13) ? ("before" as const) : undefined));
    await Promise.all([...dying.map((decide) => runWithFaults(pipeline, new Faults(decide))), archiveAll(pipeline, { maxBytes })]);
  }
  await archiveAll(pipeline);
  over.abort();
  await sweep;
  await deleteOrphans(dataset, { objects, before: Infinity });
  await checkArchive(pipeline);
  assert.ok(deleted > 0, "nothing was left behind while it was looked for");
  const entries = await readEntries(objects, pipeline.at(0));
  const keys = (await allOf(objects.list(partitionPrefix(pipeline.at(0))))).map(({ key }) => key).filter((key) => key.endsWith(".avro"));
  assert.deepEqual(keys.sort(), entries.flatMap(({ path }) => (path === undefined ? [] : [path])).sort());
});
