// The typed consumer, and the clock that the producer stamps, against the real platform.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConsumer, createProducer } from "@mainstem/client";
import { dataset, hlc } from "@mainstem/contract";
import { z } from "zod";
import { startProxy } from "./client/proxy.ts";
import { declare, reading, readings } from "./client/readings.ts";
import { startPlatform, temporaryFolder } from "./running-platform.ts";

const backOff = { firstMs: 10, mostMs: 100 };
const partitions = 3;

async function send(url: string, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  await using producer = await createProducer({ url, dataset: readings, batchRecordsMax: 50, lingerMs: 1 });
  for (let place = from; place < to; place++) await producer.send(reading(place));
}

async function all<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test("follows several partitions over a kill and cuts, each record once, and goes on where the group committed", async () => {
  await using folder = await temporaryFolder();
  await using proxy = await startProxy();
  const env = { MAINSTEM_LOG_PARTITIONS: String(partitions) };
  let platform = await startPlatform({ cwd: folder.path, env });
  try {
    await declare(platform.url);
    proxy.target = platform.url;
    await send(platform.url, { from: 0, to: 300 });
    const consumer = await createConsumer({ url: proxy.url, dataset: readings, group: "test", backOff, batchRecordsMax: 20, silentMs: 200 });
    assert.equal(consumer.position().size, partitions);
    const seen: string[] = [];
    const places: (readonly [number, number])[] = [];
    for await (const { partition, offset, value } of consumer) {
      // The compiler knows the fields, and that what may be left out is null when it is read.
      const note: string | null | undefined = value?.note;
      // @ts-expect-error: there is no such field
      assert.equal(value?.fahrenheit, undefined);
      assert.equal(note, null);
      seen.push(value?.id ?? "");
      places.push([partition, offset]);
      if (seen.length === 40) proxy.cut();
      if (seen.length === 300) {
        await consumer.commit();
        proxy.target = undefined;
        await platform.kill("SIGKILL");
        platform = await startPlatform({ cwd: folder.path, env });
        proxy.target = platform.url;
        // The readers are away while these come.
        await send(platform.url, { from: 300, to: 400 });
      }
      if (seen.length === 400) break;
    }
    assert.equal(new Set(seen).size, 400);
    for (let partition = 0; partition < partitions; partition++) {
      const offsets = places.filter(([of]) => of === partition).map(([, offset]) => offset);
      assert.deepEqual(
        offsets,
        offsets.toSorted((a, b) => a - b),
        `partition ${partition}`,
      );
    }
    await consumer.close();

    const again = await createConsumer({ url: proxy.url, dataset: readings, group: "test", follow: false });
    const rest: string[] = [];
    for await (const batch of again.batches()) {
      rest.push(...batch.records.map(({ value }) => value?.id ?? ""));
      await again.commit(batch);
    }
    assert.deepEqual(rest.toSorted(), seen.slice(300).toSorted());
    for await (const record of again) assert.fail(`${record.offset} came again`);
  } finally {
    await platform[Symbol.asyncDispose]();
  }
});

test("seeks by offset, time, beginning and end, and says what cannot be", async () => {
  await using folder = await temporaryFolder();
  await using platform = await startPlatform({ cwd: folder.path });
  await declare(platform.url);
  const { url } = platform;
  await send(url, { from: 0, to: 10 });
  await sleep(20);
  const between = new Date();
  await send(url, { from: 10, to: 15 });
  await using consumer = await createConsumer({ url, dataset: readings, group: "seeker", follow: false });
  const read = async (): Promise<readonly number[]> => (await all(consumer)).map(({ offset }) => offset);
  const numbers = (from: number): readonly number[] => Array.from({ length: 15 - from }, (_, index) => from + index);
  assert.deepEqual(await read(), numbers(0));
  await consumer.seek({ time: between });
  assert.deepEqual(await read(), numbers(10));
  await consumer.seek(12);
  assert.deepEqual(await read(), numbers(12));
  await consumer.seek("start");
  assert.deepEqual(await read(), numbers(0));
  await consumer.seek("end");
  assert.deepEqual(await read(), []);
  await consumer.seek(99);
  await assert.rejects(read(), { code: "log.offsetOutOfRange" });
  await consumer.seek(0);
  for await (const { offset } of consumer) if (offset === 3) await consumer.seek(14);
  assert.deepEqual(await read(), [14]);
  await assert.rejects(createConsumer({ url, dataset: "weather.nowhere", group: "seeker" }), { code: "registry.datasetUnknown" });
  await assert.rejects(createConsumer({ url, dataset: readings, group: "a b" }), { code: "client.usage" });
  const reserved = await createConsumer({ url, dataset: readings, group: "mainstem.x" });
  await assert.rejects(reserved.commit(), { code: "server.groupReserved" });
});

test("fields of a hybrid logical clock are stamped, and grow over restarts of the application", async () => {
  await using folder = await temporaryFolder();
  await using platform = await startPlatform({ cwd: folder.path });
  const switches = dataset({ name: "home.switches", schema: z.object({ id: z.string(), on: z.boolean(), version: hlc() }), key: ["id"], order: ["version"] });
  await declare(platform.url, switches);
  const { url } = platform;
  for (let round = 0; round < 2; round++) {
    await using producer = await createProducer({ url, dataset: switches, spool: { directory: join(folder.path, "spool") } });
    for (let count = 0; count < 50; count++) await producer.send({ id: `s${count % 3}`, on: true });
    // @ts-expect-error: on is a boolean, and no clock
    await assert.rejects(producer.deliver({ id: "x" }), { code: "client.refused" });
  }
  await using producer = await createProducer({ url, dataset: switches });
  await producer.deliver({ id: "own", on: false, version: "7" });
  await using consumer = await createConsumer({ url, dataset: switches, group: "clock", follow: false });
  const records = await all(consumer);
  const versions = records.map(({ value }) => BigInt(value?.version ?? 0));
  assert.equal(versions.pop(), 7n, "a time that the record has already is left alone");
  assert.equal(versions.length, 100);
  assert.ok(versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0n)));
});
