import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract } from "@mainstem/contract";
import { orders } from "../ingest/testing/open-rooms.ts";
import { openApi } from "./testing/open-api.ts";

interface Described {
  readonly predecessor: { readonly name: string; readonly partitions: readonly { readonly partition: number; readonly end: number }[] } | null;
  readonly successor: {
    readonly name: string;
    readonly topicId: string;
    readonly groups: readonly { readonly group: string; readonly behind: number; readonly moved: boolean }[];
  } | null;
}

test("a dataset and its successor name one another, with the end of the old topic and who has read it to there", async () => {
  await using api = await openApi();
  const describe = async (name: string): Promise<Described> => (await api.call(`/v1/datasets/${name}`)).body as unknown as Described;
  assert.deepEqual([(await describe("shop.orders")).predecessor, (await describe("shop.orders")).successor], [null, null]);
  const next = {
    ...formatContract(orders),
    name: "shop.orders2",
    schema: { ...(formatContract(orders).schema as object), name: "orders2" },
    predecessor: "shop.orders",
  };
  const put = await api.call("/v1/definitions/dataset/shop.orders2", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(next),
  });
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
