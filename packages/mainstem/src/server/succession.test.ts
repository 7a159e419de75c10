import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { formatContract } from "@mainstem/contract";
import { order, orders, readTopic, toLines } from "../ingest/testing/open-rooms.ts";
import { until } from "../runtime/testing/until.ts";
import { openApi, type Reply, type TestApi } from "./testing/open-api.ts";

interface Described {
  readonly predecessor: { readonly name: string; readonly partitions: readonly { readonly partition: number; readonly end: number }[] } | null;
  readonly successor: {
    readonly name: string;
    readonly topicId: string;
    readonly groups: readonly { readonly group: string; readonly behind: number; readonly moved: boolean }[];
  } | null;
}

const next = {
  ...formatContract(orders),
  name: "shop.orders2",
  schema: { ...(formatContract(orders).schema as object), name: "orders2" },
  predecessor: "shop.orders",
};
const declareNext = (api: TestApi): Promise<Reply> =>
  api.call("/v1/definitions/dataset/shop.orders2", { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(next) });

test("a dataset and its successor name one another, with the end of the old topic and who has read it to there", async () => {
  await using api = await openApi();
  const describe = async (name: string): Promise<Described> => (await api.call(`/v1/datasets/${name}`)).body as unknown as Described;
  assert.deepEqual([(await describe("shop.orders")).predecessor, (await describe("shop.orders")).successor], [null, null]);
  const put = await declareNext(api);
  assert.equal(put.status, 201, put.text);
  const { topics } = await api.rooms.registry.require("shop.orders");
  const old = await describe("shop.orders");
  assert.equal(old.successor?.name, "shop.orders2");
  assert.equal(old.successor.topicId, topics.records.id);
  assert.deepEqual(old.successor.groups, []);
  const fresh = await describe("shop.orders2");
  assert.equal(fresh.successor, null);
  assert.equal(fresh.predecessor?.name, "shop.orders");
  assert.equal(fresh.predecessor.partitions.length, topics.records.partitions);
  assert.ok(fresh.predecessor.partitions.every(({ end }) => end === 0));
});

const path = "/v1/datasets/shop.orders/records";

test("a dataset is closed behind the last record: what was acknowledged is before its end, and nothing comes after", async () => {
  await using api = await openApi();
  const close = (method = "POST"): Promise<Reply> => api.call("/v1/datasets/shop.orders/close", { method });
  assert.equal((await close()).body["code"], "registry.closeRefused");
  await declareNext(api);
  const hinted = await api.post(path, toLines([order(1)]), { "idempotency-key": "before" });
  assert.deepEqual([hinted.status, hinted.headers.get("mainstem-successor")], [200, "shop.orders2"]);

  // One who sends without end, one who follows, and many who come while the door is shut.
  const endless = api.post(path, endlessLines());
  const followed = api.call(`${path}?follow=true`);
  const busy = Array.from({ length: 60 }, async (_, index) => {
    await sleep(index * 5);
    return (await api.post(path, toLines([order(1_000 + index)]))).status;
  });
  const { topics } = await api.rooms.registry.require("shop.orders");
  await until("the one without end is at the door", async () => (await readTopic(api.rooms.log, topics.records)).some(({ key }) => key === "order-100000"));
  const [one, other] = await Promise.all([close(), close()]);
  const closed = [one, other].find(({ status }) => status === 200)!;
  assert.ok([one, other].every(({ status, body }) => status === 200 || body["code"] === "ingest.datasetClosing"));
  const statuses = await Promise.all(busy);
  const cut = await endless;
  assert.deepEqual([cut.status, cut.body["code"]], [503, "ingest.datasetClosing"]);

  const { closed: stored } = await api.rooms.registry.require("shop.orders");
  const there = await readTopic(api.rooms.log, topics.records);
  const total = stored?.ends.reduce((sum, end) => sum + end, 0);
  assert.equal(there.length, total);
  const ids = new Set(there.map(({ key }) => key));
  statuses.forEach((status, index) => assert.equal(ids.has(`order-${1_000 + index}`), status === 200, `request ${index}: ${status}`));
  assert.deepEqual(
    (closed.body["partitions"] as { readonly end: number }[]).map(({ end }) => end),
    stored?.ends,
  );
  // Who followed got all of it, and the end.
  assert.equal((await followed).lines.length, total);

  const late = await api.post(path, toLines([order(2)]));
  assert.deepEqual(
    [late.status, late.body["code"], late.body["successor"], late.headers.get("mainstem-successor")],
    [409, "ingest.datasetClosed", "shop.orders2", "shop.orders2"],
  );
  assert.equal((await api.post(path, toLines([order(2)]), { "idempotency-key": "late" })).status, 409);
  const repeat = await api.post(path, toLines([order(1)]), { "idempotency-key": "before" });
  assert.deepEqual([repeat.status, repeat.body["accepted"]], [200, 1], "a repeat of what was taken gets its answer");
  const ended = await api.call(`${path}?follow=true&from=end`);
  assert.deepEqual([ended.lines, ended.headers.get("mainstem-successor")], [[], "shop.orders2"]);
  assert.deepEqual(Object.values(JSON.parse(ended.headers.get("mainstem-ends") ?? "") as object), stored?.ends);

  const commit = (group: string, dataset: string, offsets: readonly number[]): Promise<Reply> =>
    api.call(`/v1/groups/${group}/offsets/${dataset}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ offsets: Object.fromEntries(offsets.entries()) }),
    });
  const groups = async () => ((await api.call("/v1/datasets/shop.orders")).body as unknown as Described).successor?.groups;
  await commit("billing", "shop.orders", stored?.ends ?? []);
  assert.deepEqual(await groups(), [{ group: "billing", behind: 0, moved: false }], "it may know the old dataset alone");
  await commit("billing", "shop.orders2", [0]);
  await commit("early", "shop.orders", [0]);
  await commit("early", "shop.orders2", [0]);
  assert.deepEqual(await groups(), [
    { group: "billing", behind: 0, moved: true },
    { group: "early", behind: total, moved: false },
  ]);

  assert.deepEqual((await close("DELETE")).body["closedAt"], null);
  assert.equal((await api.post(path, toLines([order(2)]))).status, 200);
});

async function* endlessLinesOf(): AsyncGenerator<Uint8Array> {
  for (let index = 0; ; index++) {
    yield toLines([order(100_000 + index)]);
    await sleep(20);
  }
}

function endlessLines(): ReadableStream<Uint8Array> {
  return ReadableStream.from(endlessLinesOf());
}
