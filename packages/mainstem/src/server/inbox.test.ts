// Records of the inbox over HTTP: handed out as NDJSON, and taken back mended.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseContract } from "@mainstem/contract";
import { ask } from "../ingest/testing/open-rooms.ts";
import { openApi, type Reply, type TestApi } from "./testing/open-api.ts";

const inbox = "/v1/datasets/shop.meters/inbox";
const meters = parseContract({
  formatVersion: 1,
  name: "shop.meters",
  schema: {
    type: "record",
    name: "meters",
    namespace: "shop",
    fields: [
      { name: "id", type: "string" },
      { name: "reading", type: "long" },
    ],
  },
  key: ["id"],
  order: ["reading"],
});

interface MetersApi extends TestApi {
  quarantine(...lines: readonly string[]): Promise<void>;
  /** A body as it is written, so that no number is rounded on the way. */
  put(action: "preview" | "retry", body: string): Promise<Reply>;
  ids(): Promise<readonly string[]>;
}

async function openMeters(): Promise<MetersApi> {
  const api = await openApi();
  await api.rooms.registry.apply(meters);
  return {
    ...api,
    async quarantine(...lines) {
      const { quarantined } = await api.rooms.ingest.accept(ask(Buffer.from(lines.join("\n")), { dataset: meters.name, invalid: "inbox" }));
      assert.equal(quarantined, lines.length);
    },
    put: (action, body) => api.post(`${inbox}/${action}`, body, { "content-type": "application/json" }),
    ids: async () => (await api.call(`${inbox}/records?all=true`)).lines.map(({ id }) => String(id)),
  };
}

test("what waits is an entry a line, with its record as it came", async () => {
  await using api = await openMeters();
  await api.quarantine('{"id":"a","reading":1,"total":18446744073709551615}', '{"id":7,"reading":9007199254740993}', "{not json");
  const reply = await api.call(`${inbox}/records?all=true`);
  assert.deepEqual([reply.status, reply.headers.get("content-type")], [200, "application/x-ndjson"]);
  assert.deepEqual(Object.keys(reply.lines[0] ?? {}), ["id", "offset", "from", "code", "errors", "contractVersion", "time", "record"]);
  assert.match(reply.text.split("\n")[0] ?? "", /"from":"door","code":"record.invalid",.*,"record":\{"id":"a","reading":1,"total":18446744073709551615\}\}$/);
  assert.match(reply.text.split("\n")[2] ?? "", /"failed":\{"code":"inbox\.unreadable","errors":\[\{/);
  assert.ok(!("record" in (reply.lines[2] ?? {})));
});

test("mended records keep their whole numbers on the way in", async () => {
  await using api = await openMeters();
  await api.quarantine("{}", "{}");
  const [a = "", b = ""] = await api.ids();
  const body = `{"records":[{"id":${JSON.stringify(a)},"record":{"id":"a","reading":9007199254740993}},{"id":${JSON.stringify(b)},"record":{"id":"b","reading":92233720368547758070}}]}`;
  for (const action of ["preview", "retry"] as const) {
    const { body: outcome } = await api.put(action, body);
    assert.deepEqual([outcome["accepted"], outcome["refused"]], [1, 1], action);
    assert.match(JSON.stringify(outcome["reasons"]), /"path":"reading".*92233720368547758070/);
  }
  assert.match((await api.call("/v1/datasets/shop.meters/records")).text, /9007199254740993/);
  // As it came it would be refused again: in JSON the door takes such a number as text alone.
  await api.quarantine('{"id":"c","reading":9007199254740993}');
  for (const action of ["preview", "retry"] as const) assert.equal((await api.put(action, `{"id":"${(await api.ids()).at(-1)}"}`)).body["refused"], 1, action);
  assert.equal((await api.put("retry", `{"id":"${(await api.ids()).at(-1)}","transform":"record"}`)).body["accepted"], 1);
});

describe("requests that are not as they should be", () => {
  let api: MetersApi;
  before(async () => {
    api = await openMeters();
  });
  after(() => api[Symbol.asyncDispose]());

  const mended = (id: string, record = "{}"): string => `{"id":"${id}","record":${record}}`;
  const requests: readonly (readonly [string, string, RegExp])[] = [
    ["records that are no list", '{"records":{"id":"a","record":{}}}', /records must be array/],
    ["an element that is no object", '{"records":[1]}', /records\[0\] is not/],
    ["an element without an id", '{"records":[{"record":{}}]}', /records\[0\] is not/],
    ["an id that is no text", '{"records":[{"id":18446744073709551615,"record":{}}]}', /records\[0\] is not/],
    ["an element without a record", `{"records":[${mended("a")},{"id":"b"}]}`, /records\[1\] is not/],
    ["an element with something more", '{"records":[{"id":"a","record":{},"offset":1}]}', /records\[0\] is not/],
    ["members that only a prototype would have", '{"records":[{"__proto__":{"id":"a","record":{}}}]}', /records\[0\] is not/],
    ["an id twice", `{"records":[${mended("a")},${mended("b")},${mended("a")}]}`, /records\[2\] is for an entry that has one already/],
    ["more records than a request may have", `{"records":[${"1,".repeat(10_000)}1]}`, /^body\.records must NOT have more than 10000 items$/],
    ["records beside a selection", `{"all":true,"records":[${mended("a")}]}`, /With records nothing is selected/],
    ["records beside an expression", `{"transform":"record","records":[${mended("a")}]}`, /With records nothing is selected/],
    ["a number where a text is due", '{"group":18446744073709551615}', /group must be string/],
    ["a member of that name", '{"all":true,"__proto__":{}}', /additional properties: __proto__/],
    ["nothing at all", "{}", /Say which entries/],
    ["nesting without end", `{"records":[${mended("a", "[".repeat(200_000) + "]".repeat(200_000))}]}`, /nested more than 500/],
  ];
  for (const [what, body, detail] of requests)
    test(`${what}: a bad request`, async () => {
      for (const action of ["preview", "retry"] as const) {
        const reply = await api.put(action, body);
        assert.deepEqual([reply.status, reply.body["code"]], [400, "server.request"], reply.text.slice(0, 1_000));
        assert.match(String(reply.body["detail"]), detail);
        assert.ok(reply.text.length < 2_000, "no answer is longer for it");
      }
    });

  test("a selection that is none, a group that nobody has, a contract that is no contract", async () => {
    const { status, body } = await api.call(`${inbox}/records?group=none`);
    assert.deepEqual([status, body["code"]], [404, "inbox.entryUnknown"]);
    for (const query of ["", "?all=1", "?all=true&id=a", "?all=true&after=-1", "?all=true&limit=1"])
      assert.deepEqual((await api.call(`${inbox}/records${query}`)).body["code"], "server.request", query);
    assert.equal((await api.call("/v1/datasets/shop.none/inbox/records?all=true")).body["code"], "registry.datasetUnknown");
    const fields = '[{"name":"id","type":"string"},{"name":"reading","type":"long","default":18446744073709551615}]';
    const contract = `{"formatVersion":1,"name":"shop.meters","schema":{"type":"record","name":"meters","namespace":"shop","fields":${fields}},"key":["id"],"order":["reading"]}`;
    const reply = await api.put("preview", `{"all":true,"contract":${contract}}`);
    assert.deepEqual([reply.status, reply.body["code"]], [400, "contract.invalid"], reply.text);
  });
});

test("fields with the names of a prototype's are fields", async () => {
  await using api = await openMeters();
  await api.quarantine("{}");
  const [id] = await api.ids();
  const { body } = await api.put("preview", `{"records":[{"id":"${id}","record":{"id":"a","reading":1,"__proto__":{"reading":2},"constructor":1}}]}`);
  assert.equal(body["refused"], 1);
  assert.match(JSON.stringify(body["reasons"]), /"path":"(__proto__|constructor)"/);
  assert.equal(({} as Record<string, unknown>)["reading"], undefined);
});
