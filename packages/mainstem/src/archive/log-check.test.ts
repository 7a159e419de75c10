import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemEnv } from "../runtime/env.ts";
import { findLogFault } from "./log-check.ts";
import { archiveAll, openPipeline, startArchiver, type Pipeline } from "./testing/pipeline.ts";
import { openTestDirectory } from "./testing/stores.ts";

const faultOf = async ({ dataset, log, objects }: Pipeline): Promise<string | undefined> => (await findLogFault(dataset, { log, objects }))?.code;

async function append(pipeline: Pipeline, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await pipeline.append(0, [{ key: Buffer.from(`k${index}`), value: Buffer.from(systemEnv.random(20)) }]);
}

test("a log that its archive was made of has no fault: empty, further than it, or trimmed by retention", async () => {
  await using directory = await openTestDirectory();
  await using pipeline = await openPipeline({ directory: directory.path, segmentBytesMax: 500, retentionBytes: 0 });
  assert.equal(await faultOf(pipeline), undefined);
  await append(pipeline, 20);
  assert.equal(await faultOf(pipeline), undefined, "nothing is archived yet");
  await archiveAll(pipeline);
  assert.equal(await faultOf(pipeline), undefined);
  await append(pipeline, 3);
  assert.equal(await faultOf(pipeline), undefined);
});

test("a copy of the log that is older than the archive is one, and stays one when it has grown beyond it with other records", async () => {
  await using directory = await openTestDirectory();
  const [log, older] = [join(directory.path, "log"), join(directory.path, "older")];
  {
    await using pipeline = await openPipeline({ directory: directory.path });
    await append(pipeline, 5);
    await archiveAll(pipeline);
  }
  await cp(log, older, { recursive: true });
  {
    await using pipeline = await openPipeline({ directory: directory.path });
    await append(pipeline, 3);
    await archiveAll(pipeline);
  }
  await cp(older, log, { recursive: true, force: true });
  await using pipeline = await openPipeline({ directory: directory.path });
  assert.equal(await faultOf(pipeline), "archive.logBehind");
  // Appends that nothing held back: they take the offsets of other records.
  await append(pipeline, 4);
  assert.equal(await faultOf(pipeline), "archive.logDiverged");
  const error = await startArchiver(pipeline.archiver()).ended;
  assert.equal((error as { readonly code?: string }).code, "archive.logDiverged");
});
