import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { formatContract } from "@mainstem/contract";
import { order, orders, ordersWithShop, toLines } from "../ingest/testing/open-rooms.ts";
import type { Partition } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { TaskStatus } from "../tasks/index.ts";
import { showTask } from "./routes/task-view.ts";
import { openApi, type Reply, type TestApi } from "./testing/open-api.ts";
import type { DatasetStatus, QueryAt, SnapshotStatus } from "./view.ts";

const json = { "content-type": "application/json" };
const snapshot: SnapshotStatus = {
  id: 9_007_199_254_740_993n,
  committedAt: 1_763_700_000_000,
  rows: 7,
  operation: "append",
  contractVersion: 1,
  summary: { "mainstem.x": "y" },
};
const status: DatasetStatus = {
  archive: { partitions: [{ partition: 0, next: 4 }], completeThrough: 1_763_700_000_000 },
  table: {
    metadataLocation: "file:///tables/v1.metadata.json",
    snapshot,
    partitions: [{ partition: 0, next: 3 }],
    snapshots: 12,
    expired: { snapshots: 30, deleted: 60, waiting: 5 },
    completeThrough: 1_763_690_000_000,
  },
};

describe("the API", () => {
  let api: TestApi;
  let tasks: readonly TaskStatus[] = [];
  const asked: { sql: string; at?: QueryAt }[] = [];
  const put = (path: string, body: unknown): Promise<Reply> => api.call(path, { method: "PUT", headers: json, body: JSON.stringify(body) });
  const query = (body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    api.call("/v1/query", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });

  before(async () => {
    api = await openApi({
      view: {
        status: async () => status,
        snapshots: async () => [snapshot],
        tasks: () => tasks,
        async *query(asking) {
          asked.push(asking);
          if (asking.sql === "fail at once") throw new MainstemError("query.invalid", "No such column.", { position: 8 });
          yield {
            columns: [
              { name: "a", type: "BIGINT" },
              { name: "b", type: "VARCHAR" },
            ],
            rows: [],
          };
          if (asking.sql === "nothing") return;
          yield {
            columns: [
              { name: "a", type: "BIGINT" },
              { name: "b", type: "VARCHAR" },
            ],
            rows: [
              [1, "x"],
              [2n ** 60n, null],
            ],
          };
          if (asking.sql === "fail later") throw new MainstemError("query.timeout", "It took too long.");
          if (asking.sql === "large") for (let batch = 0; batch < 400; batch++) yield { columns: [], rows: [["x".repeat(100_000)]] };
        },
      },
    });
  });
  after(() => api[Symbol.asyncDispose]());

  test("declares, changes, shows and lists definitions with their history", async () => {
    const path = "/v1/definitions/dataset/shop.orders";
    assert.deepEqual((await put(path, formatContract(orders))).body, { kind: "unchanged", name: "shop.orders", version: 1, schemaId: 1 });
    const changed = await put(path, formatContract(ordersWithShop));
    assert.deepEqual([changed.status, changed.body["kind"], changed.body["version"]], [200, "changed", 2]);
    assert.ok(Array.isArray(changed.body["changes"]));
    const refused = await put(path, formatContract(orders));
    assert.deepEqual([refused.status, refused.body["code"]], [409, "contract.incompatible"]);
    const other = { ...formatContract(orders), name: "shop.returns", schema: { ...orders.schema, name: "returns" } };
    assert.equal((await put("/v1/definitions/dataset/shop.returns", other)).status, 201);
    const shown = await api.call(path);
    assert.deepEqual(
      [shown.body["kind"], shown.body["name"], shown.body["version"], shown.body["spec"]],
      ["dataset", "shop.orders", 2, JSON.parse(JSON.stringify(formatContract(ordersWithShop)))],
    );
    const history = (await api.call(`${path}/history`)).body["versions"] as readonly Record<string, unknown>[];
    assert.deepEqual(history.map(({ changes }) => changes).slice(0, 1), [[]]);
    assert.match(JSON.stringify(history.at(-1)?.["changes"]), /field \w+ added/);
    assert.deepEqual(
      history.map(({ version, spec }) => [version, (spec as { readonly schema: { readonly fields: readonly unknown[] } }).schema.fields.length]),
      [
        [1, 4],
        [2, 5],
      ],
    );
    const { definitions } = (await api.call("/v1/definitions/dataset")).body as { readonly definitions: readonly { readonly name: string }[] };
    assert.deepEqual(
      definitions.map(({ name }) => name),
      ["shop.orders", "shop.returns"],
    );
  });

  test("names what is wrong with a declaration", async () => {
    const path = "/v1/definitions/dataset/shop.orders";
    const invalid = await put(path, { ...formatContract(orders), key: ["nothing"] });
    assert.deepEqual([invalid.status, invalid.body["code"]], [400, "contract.invalid"]);
    assert.ok((invalid.body["issues"] as readonly unknown[]).length > 0);
    const mismatch = await put("/v1/definitions/dataset/shop.other", formatContract(orders));
    assert.deepEqual([mismatch.status, mismatch.body["code"]], [400, "registry.nameMismatch"]);
    assert.deepEqual(
      [(await put("/v1/definitions/sink/x", {})).body["code"], (await api.call("/v1/definitions/datasets")).body["code"]],
      ["registry.kindUnknown", "registry.kindUnknown"],
    );
    for (const unknown of [
      "/v1/definitions/dataset/no.such",
      "/v1/definitions/dataset/no.such/history",
      "/v1/datasets/no.such",
      "/v1/datasets/no.such/snapshots",
      "/v1/groups/g/offsets/no.such",
    ])
      assert.deepEqual([(await api.call(unknown)).status, (await api.call(unknown)).body["code"]], [404, "registry.datasetUnknown"], unknown);
  });

  test("shows how far a dataset is", async () => {
    await api.post("/v1/datasets/shop.orders/records", toLines(Array.from({ length: 10 }, (_, index) => order(index))));
    tasks = [
      { name: "archive.shop.orders", state: "running", verdict: "ok", restarts: 0, failures: 0 },
      { name: "archive.shop.orders2", state: "running", verdict: "ok", restarts: 0, failures: 0 },
    ];
    const { body } = await api.call("/v1/datasets/shop.orders");
    assert.deepEqual(
      { ...body, contract: undefined, topics: undefined, appliedAt: undefined, generations: undefined },
      {
        name: "shop.orders",
        version: 2,
        status: "ok",
        records: 10,
        rows: 7,
        completeThrough: "2025-11-21T01:53:20.000Z",
        metadataLocation: "file:///tables/v1.metadata.json",
        schemaId: 2,
        appliedAt: undefined,
        contract: undefined,
        topics: undefined,
        generations: undefined,
        door: { accepted: 10, quarantined: 0, refused: 0 },
        archive: { partitions: [{ partition: 0, next: 4 }], completeThrough: "2025-11-21T04:40:00.000Z" },
        table: {
          metadataLocation: "file:///tables/v1.metadata.json",
          partitions: [{ partition: 0, next: 3 }],
          snapshot: {
            id: "9007199254740993",
            parentId: null,
            committedAt: "2025-11-21T04:40:00.000Z",
            rows: 7,
            operation: "append",
            contractVersion: 1,
            summary: { "mainstem.x": "y" },
          },
          rows: 7,
          completeThrough: "2025-11-21T01:53:20.000Z",
        },
        rebuildPending: [],
        rebuild: null,
        predecessor: null,
        successor: null,
        tasks: [showTask(tasks[0]!)],
      },
    );
    const { records } = body["topics"] as { readonly records: { readonly name: string; readonly partitions: readonly { readonly end: number }[] } };
    assert.deepEqual([records.name, records.partitions.reduce((sum, { end }) => sum + end, 0)], ["shop.orders", 10]);
    const { datasets } = (await api.call("/v1/datasets")).body as { readonly datasets: readonly Record<string, unknown>[] };
    assert.deepEqual(datasets[0], { name: "shop.orders", version: 2, records: 10, rows: 7, completeThrough: "2025-11-21T01:53:20.000Z" });
    const { snapshots } = (await api.call("/v1/datasets/shop.orders/snapshots")).body as { readonly snapshots: readonly Record<string, unknown>[] };
    assert.deepEqual(
      snapshots.map(({ id, committedAt, rows }) => [id, committedAt, rows]),
      [["9007199254740993", "2025-11-21T04:40:00.000Z", 7]],
    );
    assert.deepEqual((await api.call("/v1/tasks")).body, { tasks: tasks.map(showTask) });
  });

  test("keeps the offsets of groups", async () => {
    const path = "/v1/groups/reports/offsets/shop.orders";
    const { topics } = await api.rooms.registry.require("shop.orders");
    assert.deepEqual((await api.call(path)).body, { group: "reports", dataset: "shop.orders", topicId: topics.records.id, offsets: {}, lag: {} });
    const { body } = await api.call("/v1/datasets/shop.orders");
    const ends = (body["topics"] as { readonly records: { readonly partitions: readonly { readonly end: number }[] } }).records.partitions.map(
      ({ end }) => end,
    );
    const committed = await put(path, { offsets: { 0: 1, 1: ends[1] } });
    assert.deepEqual(committed.body["offsets"], { 0: 1, 1: ends[1] });
    assert.deepEqual(committed.body["lag"], { 0: (ends[0] ?? 0) - 1, 1: 0 });
    assert.deepEqual((await put(path, { offsets: { 0: 0 } })).body["offsets"], { 0: 0, 1: ends[1] });
    assert.deepEqual((await api.call(path)).body["offsets"], { 0: 0, 1: ends[1] });
    const faults: readonly (readonly [string, unknown, number, string])[] = [
      [path, { offsets: { 3: 0 } }, 400, "server.request"],
      [path, { offsets: { x: 0 } }, 400, "server.request"],
      [path, { offsets: { 0: -1 } }, 400, "server.request"],
      [path, { offsets: { 0: 1.5 } }, 400, "server.request"],
      [path, { offsets: { 0: "1" } }, 400, "server.request"],
      [path, { offset: {} }, 400, "server.request"],
      [path, { offsets: { 0: 1_000 } }, 416, "log.offsetOutOfRange"],
      [path, { offsets: {}, topicId: "another" }, 409, "log.topicReplaced"],
      ["/v1/groups/mainstem.archive.shop.orders/offsets/shop.orders", { offsets: {} }, 403, "server.groupReserved"],
      ["/v1/groups/a%20b/offsets/shop.orders", { offsets: {} }, 400, "server.request"],
    ];
    for (const [to, sent, statusCode, code] of faults) {
      const reply = await put(to, sent);
      assert.deepEqual([reply.status, reply.body["code"]], [statusCode, code], JSON.stringify(sent));
    }
  });

  test("answers queries with columns and rows, exact beyond 2^53", async () => {
    assert.deepEqual((await query({ sql: "select" })).body, {
      columns: [
        { name: "a", type: "BIGINT" },
        { name: "b", type: "VARCHAR" },
      ],
      rows: [
        [1, "x"],
        ["1152921504606846976", null],
      ],
    });
    assert.deepEqual((await query({ sql: "nothing" })).body["rows"], []);
    const lines = await query({ sql: "select" }, { accept: "application/x-ndjson" });
    assert.equal(lines.headers.get("content-type"), "application/x-ndjson");
    assert.deepEqual(lines.lines, [
      { a: 1, b: "x" },
      { a: "1152921504606846976", b: null },
    ]);
    assert.deepEqual(
      [
        (await query({ sql: "nothing" }, { accept: "application/x-ndjson" })).status,
        (await query({ sql: "nothing" }, { accept: "application/x-ndjson" })).lines,
      ],
      [200, []],
    );
  });

  test("hands on the time or the snapshots to read", async () => {
    await query({ sql: "select", at: "2026-11-21T12:00:00+02:00" });
    assert.deepEqual(asked.at(-1), { sql: "select", at: { kind: "time", time: Date.parse("2026-11-21T10:00:00Z") } });
    await query({ sql: "select", at: { "shop.orders": "9223372036854775807" } });
    assert.deepEqual(asked.at(-1), { sql: "select", at: { kind: "snapshots", ids: new Map([["shop.orders", 9_223_372_036_854_775_807n]]) } });
    for (const body of [
      { sql: "x", at: "yesterday" },
      { sql: "x", at: "2026-11-21T12:00:00" },
      { sql: "x", at: { "shop.orders": 5 } },
      { sql: "x", at: { "shop.orders": "-1" } },
      { sql: "" },
      { sql: 1 },
      {},
      { sql: "x", more: 1 },
      [],
    ]) {
      const reply = await query(body);
      assert.deepEqual([reply.status, reply.body["code"]], [400, "server.request"], JSON.stringify(body));
    }
  });

  test("tells why a query failed, and cuts an answer that has begun", async () => {
    for (const headers of [{}, { accept: "application/x-ndjson" }] as readonly Record<string, string>[]) {
      const reply = await query({ sql: "fail at once" }, headers);
      assert.deepEqual([reply.status, reply.body["code"], reply.body["detail"], reply.body["position"]], [400, "query.invalid", "No such column.", 8]);
    }
    assert.deepEqual([(await query({ sql: "fail later" })).status, (await query({ sql: "fail later" })).body["code"]], [504, "query.timeout"]);
    await assert.rejects(query({ sql: "fail later" }, { accept: "application/x-ndjson" }), TypeError);
    const large = await query({ sql: "large" });
    assert.deepEqual([large.status, large.body["code"]], [413, "query.tooLarge"]);
  });

  test("is healthy while tasks make progress, and 503 when one stopped on an error", async () => {
    tasks = [];
    assert.deepEqual([(await api.call("/health")).status, (await api.call("/health")).body], [200, { status: "ok", reasons: [] }]);
    const lastError = { code: "archive.corrupt", message: "Bytes changed.", at: 1 };
    tasks = [{ name: "archive.shop.orders", state: "backing-off", verdict: "slow", restarts: 3, failures: 1, lastError }];
    assert.deepEqual([(await api.call("/health")).status, (await api.call("/health")).body["status"]], [200, "degraded"]);
    tasks = [{ name: "archive.shop.orders", state: "stopped", verdict: "failed", restarts: 3, failures: 1, lastError }];
    assert.deepEqual([(await api.call("/health")).status, (await api.call("/health")).body["status"]], [503, "failed"]);
    assert.equal((await api.call("/v1/datasets/shop.orders")).body["status"], "failed");
  });

  test("gives metrics that Prometheus can read", async () => {
    tasks = [
      {
        name: "archive.shop.orders",
        state: "running",
        verdict: "slow",
        restarts: 2,
        failures: 0,
        progress: { position: 3, end: 9, unit: "records" },
        ratePerSecond: 1.5,
        lastAdvance: 5_000,
      },
    ];
    await api.post("/v1/datasets/shop.orders/records", "nonsense\n");
    const [reply] = await Promise.all([api.call("/metrics"), api.call("/metrics"), api.call("/metrics")]);
    assert.match(reply.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    for (const line of [
      'mainstem_ingest_records_total{dataset="shop.orders",outcome="accepted"} 10',
      'mainstem_ingest_records_total{dataset="shop.orders",outcome="refused"} 1',
      'mainstem_archive_next_offset{dataset="shop.orders",partition="0"} 4',
      'mainstem_table_rows{dataset="shop.orders"} 7',
      'mainstem_table_snapshots{dataset="shop.orders"} 12',
      'mainstem_table_snapshots_expired_total{dataset="shop.orders"} 30',
      'mainstem_table_expired_objects_deleted_total{dataset="shop.orders"} 60',
      'mainstem_table_expired_objects_waiting{dataset="shop.orders"} 5',
      'mainstem_task_position{task="archive.shop.orders"} 3',
      'mainstem_task_restarts_total{task="archive.shop.orders"} 2',
      'mainstem_task_state{task="archive.shop.orders",state="running"} 1',
      'mainstem_task_verdict{task="archive.shop.orders",verdict="slow"} 1',
      'mainstem_task_end{task="archive.shop.orders"} 9',
      'mainstem_task_rate_per_second{task="archive.shop.orders"} 1.5',
      'mainstem_task_last_advance_timestamp_seconds{task="archive.shop.orders"} 5',
    ])
      assert.ok(reply.text.includes(`${line}\n`), line);
    assert.match(reply.text, /mainstem_http_request_duration_seconds_count\{method="POST",route="\/v1\/datasets\/:name\/records",status="422"\} 1/);
    assert.match(reply.text, /mainstem_log_end_offset\{dataset="shop\.orders",partition="2"\} \d/);
    for (const line of reply.text.split("\n")) assert.match(line, /^$|^#|^[a-z_]+(\{[^}]*\})? [0-9.e+-]+$/);
  });

  test("describes every route, that of the records too", async () => {
    const { body } = await api.call("/openapi.json");
    const document = body as {
      readonly openapi: string;
      readonly paths: Record<string, Record<string, { readonly responses: Record<string, unknown> }>>;
      readonly components: { readonly schemas: object };
    };
    assert.match(document.openapi, /^3\.1/);
    // Those of the registry API are counted by its own test.
    const main = Object.entries(document.paths).filter(([path]) => !path.startsWith("/registry/"));
    const routes = main.flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    assert.deepEqual(routes.toSorted(), [
      "DELETE /v1/datasets/{name}/close",
      "DELETE /v1/datasets/{name}/rebuild",
      "DELETE /v1/datasets/{name}/replays/{id}",
      "GET /health",
      "GET /metrics",
      "GET /v1/datasets",
      "GET /v1/datasets/{name}",
      "GET /v1/datasets/{name}/inbox",
      "GET /v1/datasets/{name}/inbox/entries",
      "GET /v1/datasets/{name}/inbox/entry",
      "GET /v1/datasets/{name}/inbox/records",
      "GET /v1/datasets/{name}/rebuild",
      "GET /v1/datasets/{name}/records",
      "GET /v1/datasets/{name}/replays",
      "GET /v1/datasets/{name}/replays/{id}",
      "GET /v1/datasets/{name}/snapshots",
      "GET /v1/definitions/{kind}",
      "GET /v1/definitions/{kind}/{name}",
      "GET /v1/definitions/{kind}/{name}/history",
      "GET /v1/groups/{group}/offsets/{dataset}",
      "GET /v1/tasks",
      "GET /v1/tasks/{name}",
      "POST /v1/datasets/{name}/close",
      "POST /v1/datasets/{name}/inbox/drop",
      "POST /v1/datasets/{name}/inbox/preview",
      "POST /v1/datasets/{name}/inbox/retry",
      "POST /v1/datasets/{name}/rebuild",
      "POST /v1/datasets/{name}/rebuild/swap",
      "POST /v1/datasets/{name}/records",
      "POST /v1/datasets/{name}/replay",
      "POST /v1/plan",
      "POST /v1/query",
      "POST /v1/tasks/{name}/pause",
      "POST /v1/tasks/{name}/reset",
      "POST /v1/tasks/{name}/resume",
      "PUT /v1/definitions/{kind}/{name}",
      "PUT /v1/groups/{group}/offsets/{dataset}",
    ]);
    assert.ok("Problem" in document.components.schemas);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]);
    assert.deepEqual(new Set(references), new Set(["#/components/schemas/Problem"]));
  });

  test("answers HEAD wherever it answers GET, with the same head and nothing after it", async () => {
    await api.post("/v1/datasets/shop.orders/records?invalid=inbox", `${JSON.stringify(order)}\n{"orderId":7}\n`);
    const headOf = async (method: string, path: string): Promise<readonly string[]> => {
      const answer = await api.raw(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      const [head = "", body] = answer.split(/\r\n\r\n(.*)/s);
      if (method === "HEAD") assert.equal(body, "", path);
      else assert.notEqual(body, "", path);
      // The figures of the metrics vary, and so does how a body is framed that is not there.
      return head.split("\r\n").filter((line) => !/^(?:date|transfer-encoding):/i.test(line) && !(path === "/metrics" && /^content-length:/i.test(line)));
    };
    for (const [path, statusCode] of [
      ["/health", 200],
      ["/metrics", 200],
      ["/openapi.json", 200],
      ["/", 404],
      ["/v1/datasets", 200],
      ["/v1/datasets/shop.orders", 200],
      ["/v1/datasets/shop.nothing", 404],
      ["/v1/datasets/shop.orders/records", 200],
      ["/v1/datasets/shop.orders/records?from=noon", 400],
      ["/v1/datasets/shop.orders/inbox/records?all=true", 200],
      ["/v1/query", 405],
      ["/registry/", 200],
      ["/registry/subjects", 200],
      ["/registry/schemas/ids/1", 200],
      ["/registry/schemas/ids/999", 404],
    ] as const) {
      const head = await headOf("HEAD", path);
      assert.match(head[0] ?? "", new RegExp(`^HTTP/1.1 ${statusCode} `), path);
      if (statusCode !== 405) assert.deepEqual(head, await headOf("GET", path), path);
    }
    // What would be followed ends at once.
    assert.ok((await headOf("HEAD", "/v1/datasets/shop.orders/records?follow=true")).some((line) => line.startsWith("mainstem-offsets: ")));
  });

  const problems: readonly (readonly [string, RequestInit & { readonly path: string }, number, string])[] = [
    ["a path that is not there", { path: "/v2/datasets" }, 404, "server.notFound"],
    ["a method that a path does not have", { path: "/v1/datasets/shop.orders", method: "DELETE" }, 405, "server.method"],
    ["a parameter that is not known", { path: "/v1/datasets?limit=5" }, 400, "server.request"],
    ["another content type", { path: "/v1/query", method: "POST", headers: { "content-type": "text/plain" }, body: "x" }, 415, "server.contentType"],
    ["a body that is not JSON", { path: "/v1/query", method: "POST", headers: json, body: "{" }, 400, "server.request"],
    ["no body", { path: "/v1/query", method: "POST", headers: json }, 400, "server.request"],
    ["a body that is too large", { path: "/v1/query", method: "POST", headers: json, body: `{"sql":"${"x".repeat(1_100_000)}"}` }, 413, "server.tooLarge"],
    ["an address that is not well-formed", { path: "/v1/datasets/%ff" }, 400, "server.request"],
    ["a name beyond all measure", { path: `/v1/datasets/${"x".repeat(1_000)}` }, 400, "server.request"],
  ];
  for (const [what, { path, ...init }, statusCode, code] of problems)
    test(`answers ${what} with ${statusCode} ${code}`, async () => {
      const reply = await api.call(path, init);
      assert.deepEqual([reply.status, reply.body["code"], reply.headers.get("content-type")], [statusCode, code, "application/problem+json"], reply.text);
      if (statusCode === 405) assert.equal(reply.headers.get("allow"), "GET, HEAD");
    });

  test("says what no body may hold", async () => {
    const detailOf = async (body: string): Promise<unknown> => (await api.call("/v1/plan", { method: "POST", headers: json, body })).body["detail"];
    assert.equal(await detailOf(`${"[".repeat(2_200)}${"]".repeat(2_200)}`), "The body is nested more than 500 levels deep.");
    assert.match(String(await detailOf("9".repeat(1_000_000))), /1000000 digits/);
    assert.match(String(await detailOf('{"definitions":[{"kind":"dataset","spec":{"far":1e400}}]}')), /: far is 1e400, which lies beyond/);
  });

  test("says nothing of the inside of a fault of its own", async () => {
    await using broken = await openApi({ view: { snapshots: () => Promise.reject(new Error("secret inside")) } });
    const reply = await broken.call("/v1/datasets/shop.orders/snapshots");
    assert.deepEqual([reply.status, reply.body["code"]], [500, "runtime.bug"]);
    assert.ok(!reply.text.includes("secret"));
  });
});

test("the counts of a dataset are read so that each is found in the station before it", async () => {
  const send = (): Promise<Reply> => api.post("/v1/datasets/shop.orders/records", toLines([order(1)]));
  const appended = async (): Promise<number> => {
    const { name: topic, id: topicId } = (await api.rooms.registry.require("shop.orders")).topics.records;
    return (await api.rooms.log.bounds({ topic, topicId, partition: 0 as Partition })).end;
  };
  // Records go on coming while the answer is made, and the archive takes each at once.
  const arriving = async (): Promise<DatasetStatus> => {
    await send();
    const archive = { partitions: [{ partition: 0, next: await appended() }] };
    await send();
    return { archive, table: undefined };
  };
  await using api: TestApi = await openApi({ rooms: { partitions: 1 }, view: { status: arriving } });
  await send();
  const { door, archive, topics } = (await api.call("/v1/datasets/shop.orders")).body as unknown as Counted;
  assert.deepEqual([door.accepted, archive.partitions[0]?.next, topics.records.partitions[0]?.end], [1, 2, 3]);
});

interface Counted {
  readonly door: { readonly accepted: number };
  readonly archive: { readonly partitions: readonly { readonly next: number }[] };
  readonly topics: { readonly records: { readonly partitions: readonly { readonly end: number }[] } };
}
