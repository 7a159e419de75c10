import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract } from "@mainstem/contract";
import { orders } from "../ingest/testing/open-rooms.ts";
import { openApi, type TestApi } from "./testing/open-api.ts";

type Json = Readonly<Record<string, unknown>>;

async function plan(api: TestApi, ...specs: readonly unknown[]): Promise<readonly Json[]> {
  const body = JSON.stringify({ definitions: specs.map((spec) => ({ kind: "dataset", spec })) });
  const reply = await api.call("/v1/plan", { method: "POST", body, headers: { "content-type": "application/json" } });
  assert.equal(reply.status, 200, reply.text);
  return reply.body?.["plans"] as readonly Json[];
}

/** The contract in force with more fields. */
function grown(...fields: readonly unknown[]): Json {
  const json = formatContract(orders);
  const schema = json.schema as { readonly fields: readonly unknown[] };
  return { ...json, schema: { ...schema, fields: [...schema.fields, ...fields] } };
}

const fill = { name: "channel", type: "string", default: "web" };
const empty = { name: "coupon", type: ["null", "string"], default: null };

test("says for each declaration what would happen, and does none of it", async () => {
  await using api = await openApi();
  const other = {
    ...formatContract(orders),
    name: "shop.returns",
    schema: { ...(formatContract(orders).schema as object), name: "returns" },
    owner: "returns",
  };
  const plans = await plan(api, formatContract(orders), other, { ...formatContract(orders), key: ["revision"] }, { name: "shop.orders", key: [] });
  assert.deepEqual(
    plans.map(({ name, kind, compatible }) => [name, kind, compatible]),
    [
      ["shop.orders", "unchanged", true],
      ["shop.returns", "created", true],
      ["shop.orders", "refused", false],
      ["shop.orders", "invalid", false],
    ],
  );
  assert.deepEqual([plans[1]?.["topic"], plans[1]?.["owner"]], ["created", { now: null, next: "returns" }]);
  const [refused] = (plans[2]?.["refused"] ?? []) as readonly Json[];
  assert.equal(refused?.["path"], "key");
  assert.match(`${String(refused?.["reason"])} ${String(refused?.["remedy"])}`, /frozen.*new dataset.*predecessor/);
  assert.ok(((plans[3]?.["refused"] ?? []) as readonly Json[]).some(({ path }) => path === "schema"));
  assert.equal((await api.rooms.registry.list()).length, 1);
  assert.equal((await api.rooms.registry.history("shop.orders")).length, 1);
});

test("tells what a rebuild would make again, and that it waits for one", async () => {
  const summary = { "total-data-files": "3", "total-files-size": "4096" };
  const snapshot = { id: 1n, committedAt: 0, rows: 50, summary };
  const view = { status: async () => ({ archive: { partitions: [] }, table: { metadataLocation: "file:///m.json", snapshot, partitions: [] } }) };
  await using api = await openApi({ view });
  const [changed] = await plan(api, { ...formatContract(orders), merge: { kind: "first" } });
  assert.deepEqual([changed?.["kind"], changed?.["compatible"], changed?.["changes"]], ["changed", true, ["merge changed"]]);
  const rewritten = { files: 3, rows: 50, bytes: 4096 };
  assert.deepEqual(changed?.["table"], { effect: "rebuild", rebuilt: ["merge"], rewritten, filled: {}, null: [] });
});

test("tells columns that are metadata from those that write files again, with their cost in the current snapshot", async () => {
  const summary = { "total-data-files": "3", "total-files-size": "4096" };
  const snapshot = { id: 1n, committedAt: 0, rows: 50, summary };
  const view = { status: async () => ({ archive: { partitions: [] }, table: { metadataLocation: "file:///m.json", snapshot, partitions: [] } }) };
  await using api = await openApi({ view });
  const [nulls, fills] = await plan(api, grown(empty), grown(fill, empty));
  assert.deepEqual(nulls?.["table"], { effect: "metadata", rewritten: { files: 0, rows: 0, bytes: 0 }, filled: {}, null: ["coupon"] });
  assert.deepEqual(fills?.["table"], { effect: "rewrite", rewritten: { files: 3, rows: 50, bytes: 4096 }, filled: { channel: "web" }, null: ["coupon"] });
  assert.deepEqual(fills["changes"], ["field channel added", "field coupon added"]);
  assert.deepEqual([fills["topic"], fills["archive"]], ["unchanged", "unchanged"]);
});

test("names the groups that read the dataset, with what they have not read", async () => {
  await using api = await openApi();
  const { topics } = await api.rooms.registry.require("shop.orders");
  const commit = async (group: string): Promise<number> => {
    const headers = { "content-type": "application/json" };
    return (await api.call(`/v1/groups/${group}/offsets/shop.orders`, { method: "PUT", body: JSON.stringify({ offsets: { 0: 0 } }), headers })).status;
  };
  assert.deepEqual([await commit("billing"), await commit("audit")], [200, 200]);
  assert.ok(topics.records.partitions > 0);
  const [planned] = await plan(api, grown(empty));
  assert.deepEqual(planned?.["consumers"], [
    { group: "audit", platform: false, lag: 0 },
    { group: "billing", platform: false, lag: 0 },
  ]);
});

test("refuses kinds that it does not know and bodies without declarations", async () => {
  await using api = await openApi();
  const post = async (body: unknown): Promise<unknown> => {
    const reply = await api.call("/v1/plan", { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
    return reply.body?.["code"];
  };
  assert.equal(await post({ definitions: [{ kind: "flow", spec: {} }] }), "registry.kindUnknown");
  assert.equal(await post({ definitions: [] }), "server.request");
});

test("the commit goes into the history, and a longer text is refused", async () => {
  await using api = await openApi();
  const put = (query: string, spec: unknown) =>
    api.call(`/v1/definitions/dataset/shop.orders${query}`, { method: "PUT", body: JSON.stringify(spec), headers: { "content-type": "application/json" } });
  assert.equal((await put("?provenance=commit%201f", grown(empty))).status, 200);
  assert.equal((await put(`?provenance=${"x".repeat(1_001)}`, grown(empty, fill))).body?.["code"], "server.request");
  const history = await api.call("/v1/definitions/dataset/shop.orders/history");
  assert.deepEqual(
    ((history.body?.["versions"] ?? []) as readonly Json[]).map(({ version, provenance }) => [version, provenance]),
    [
      [1, undefined],
      [2, "commit 1f"],
    ],
  );
});
