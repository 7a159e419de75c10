import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract, parseContract, type Contract } from "@mainstem/contract";
import { orders } from "../ingest/testing/open-rooms.ts";
import { emptyView, openApi, type TestApi } from "./testing/open-api.ts";

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

test("tells what a rebuild would make again, that it asks for consent, and what an earlier change left to be done", async () => {
  const summary = { "total-data-files": "3", "total-files-size": "4096" };
  const snapshot = { id: 1n, committedAt: 0, rows: 50, summary };
  const asked: (string | undefined)[] = [];
  // The table follows the contract in force, and would not follow another merge.
  const pending = async (_name: string, next?: Contract): Promise<readonly string[]> => {
    asked.push(next?.merge.kind);
    return left;
  };
  let left = ["merge"];
  const status = async () => ({
    archive: { partitions: [] },
    table: { metadataLocation: "file:///m.json", snapshot, snapshots: 1, expired: { snapshots: 0, deleted: 0, waiting: 0 }, partitions: [] },
  });
  await using api = await openApi({ view: { status, rebuilds: { ...emptyView.rebuilds, pending } } });
  const changedMerge = { ...formatContract(orders), merge: { kind: "first" } };
  const [changed] = await plan(api, changedMerge);
  assert.deepEqual([changed?.["kind"], changed?.["compatible"], changed?.["changes"]], ["changed", true, ["merge changed"]]);
  assert.deepEqual([changed?.["consent"], changed?.["archive"]], [["merge"], "unchanged"]);
  const rewritten = { files: 3, rows: 50, bytes: 4096 };
  assert.deepEqual(changed?.["table"], { effect: "rebuild", rebuilt: ["merge"], rewritten, filled: {}, null: [] });
  const [still] = await plan(api, formatContract(orders));
  assert.deepEqual([still?.["kind"], still?.["table"]], ["unchanged", { effect: "rebuild", rebuilt: ["merge"], rewritten, filled: {}, null: [] }]);
  assert.deepEqual(asked, ["first", undefined]);
  const described = (await api.call("/v1/datasets/shop.orders")).body;
  const effect = { rebuilt: ["merge"], state: "needed", rewritten, archive: "unchanged", consumers: "unchanged", owner: null };
  assert.deepEqual(described["rebuild"], effect);
  // Taken back, the change needs consent and no rebuild.
  left = [];
  const [back] = await plan(api, changedMerge);
  assert.deepEqual([back?.["consent"], (back?.["table"] as Json | undefined)?.["effect"]], [["merge"], "unchanged"]);
});

test("refuses a second successor as apply would, and says who has moved to the first", async () => {
  await using api = await openApi();
  const successor = (name: string): Json => ({
    ...formatContract(orders),
    name: `shop.${name}`,
    schema: { ...(formatContract(orders).schema as object), name },
    predecessor: "shop.orders",
    owner: "checkout",
  });
  const commit = { method: "PUT", body: JSON.stringify({ offsets: { 0: 0 } }), headers: { "content-type": "application/json" } };
  assert.equal((await api.call("/v1/groups/billing/offsets/shop.orders", commit)).status, 200);
  const [planned] = await plan(api, successor("orders2"));
  const end = (planned?.["predecessor"] ?? {}) as Json;
  assert.deepEqual([planned?.["kind"], end["name"], end["closedAt"]], ["created", "shop.orders", null]);
  assert.deepEqual(end["groups"], [{ group: "billing", behind: 0, moved: false }]);
  await api.rooms.registry.apply(parseContract(successor("orders2")));
  await api.rooms.ingest.close("shop.orders");
  const [second, old] = await plan(api, successor("orders3"), formatContract(orders));
  assert.deepEqual([second?.["kind"], second?.["compatible"], second?.["owner"]], ["refused", false, { now: null, next: "checkout" }]);
  const [reason] = (second?.["refused"] ?? []) as readonly Json[];
  assert.deepEqual([reason?.["path"], /shop\.orders2/.test(String(reason?.["reason"]))], ["predecessor", true]);
  const after = (old?.["successor"] ?? {}) as Json;
  assert.deepEqual([after["name"], after["groups"]], ["shop.orders2", [{ group: "billing", behind: 0, moved: false }]]);
  assert.equal((await api.call("/v1/groups/billing/offsets/shop.orders2", commit)).status, 200);
  const [refused, moved] = (await plan(api, successor("orders3"), formatContract(orders))).map((one) => (one["predecessor"] ?? one["successor"] ?? {}) as Json);
  for (const one of [refused, moved]) assert.deepEqual(one?.["groups"], [{ group: "billing", behind: 0, moved: true }]);
  assert.match(String(after["closedAt"]), /^20/);
});

test("a new dataset may follow one that would be made before it, in the same request or an earlier one", async () => {
  await using api = await openApi();
  const made = (name: string, predecessor?: string): Json => {
    const json = formatContract(orders);
    return {
      ...json,
      name: `pp.${name}`,
      schema: { ...(json.schema as object), namespace: "pp", name },
      ...(predecessor === undefined ? {} : { predecessor }),
    };
  };
  const kinds = (plans: readonly Json[]): readonly unknown[] => plans.map(({ kind }) => kind);
  const [a, b, c] = [made("a"), made("b", "pp.a"), made("c", "pp.a")];
  assert.deepEqual(kinds(await plan(api, a, b, c)), ["created", "created", "refused"], "one successor, as when they are applied");
  assert.deepEqual(kinds(await plan(api, b, a)), ["refused", "created"], "the order counts");
  const later = async (spec: Json, created: readonly Json[]): Promise<unknown> => {
    const body = JSON.stringify({ created, definitions: [{ kind: "dataset", spec }] });
    const reply = await api.call("/v1/plan", { method: "POST", body, headers: { "content-type": "application/json" } });
    return kinds(reply.body["plans"] as readonly Json[])[0];
  };
  assert.equal(await later(b, [{ name: "pp.a" }]), "created");
  assert.equal(await later(c, [{ name: "pp.a" }, { name: "pp.b", predecessor: "pp.a" }]), "refused");
  for (const spec of [a, b]) assert.equal((await api.rooms.registry.apply(parseContract(spec))).kind, "created");
  await assert.rejects(api.rooms.registry.apply(parseContract(c)), { code: "registry.predecessorInvalid" });
});

test("tells columns that are metadata from those that write files again, with their cost in the current snapshot", async () => {
  const summary = { "total-data-files": "3", "total-files-size": "4096" };
  const snapshot = { id: 1n, committedAt: 0, rows: 50, summary };
  const view = {
    status: async () => ({
      archive: { partitions: [] },
      table: { metadataLocation: "file:///m.json", snapshot, snapshots: 1, expired: { snapshots: 0, deleted: 0, waiting: 0 }, partitions: [] },
    }),
  };
  await using api = await openApi({ view });
  const [nulls, fills] = await plan(api, grown(empty), grown(fill, empty));
  assert.deepEqual(nulls?.["table"], { effect: "metadata", rewritten: { files: 0, rows: 0, bytes: 0 }, filled: {}, null: ["coupon"] });
  assert.deepEqual(fills?.["table"], { effect: "rewrite", rewritten: { files: 3, rows: 50, bytes: 4096 }, filled: { channel: "web" }, null: ["coupon"] });
  assert.deepEqual(fills["changes"], ["field channel added", "field coupon added"]);
  assert.deepEqual([fills["topic"], fills["archive"]], ["unchanged", "unchanged"]);
});

test("tells fields that are renamed, widened and removed, which cost nothing", async () => {
  await using api = await openApi();
  const json = formatContract(orders) as unknown as Json & { readonly schema: { readonly fields: readonly Json[] } };
  const added = {
    ...json,
    schema: { ...json.schema, fields: [...json.schema.fields, { name: "n", type: "int", default: 0 }, { name: "gone", type: ["null", "int"], default: null }] },
  };
  await api.rooms.registry.apply(parseContract(added));
  const next = [...json.schema.fields, { name: "count", type: "long", default: 0, aliases: ["n"] }];
  const [changed, silent] = await plan(
    api,
    { ...json, schema: { ...json.schema, fields: next }, removed: ["gone"] },
    { ...json, schema: { ...json.schema, fields: next } },
  );
  assert.deepEqual([changed?.["kind"], changed?.["compatible"]], ["changed", true]);
  assert.deepEqual(changed?.["fields"], { added: [], renamed: [{ from: "n", to: "count" }], widened: ["count"], removed: ["gone"] });
  assert.deepEqual(changed["changes"], ["field n renamed to count", "field count widened from int to long", "field gone removed"]);
  assert.equal((changed["table"] as Json)["effect"], "metadata");
  assert.deepEqual([silent?.["kind"], ((silent?.["refused"] ?? []) as readonly Json[])[0]?.["path"]], ["refused", "schema.gone"]);
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
