import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { order, toLines } from "../ingest/testing/open-rooms.ts";
import { silentLogger } from "../runtime/logger.ts";
import { openServer } from "./server.ts";
import { emptyView, openApi } from "./testing/open-api.ts";
import { isLoopback } from "./token.ts";

const records = "/v1/datasets/shop.orders/records";

describe("the server", () => {
  test("turns away who does not have its token, but for the question of its health", async () => {
    await using api = await openApi({ config: { token: "secret" } });
    for (const path of [records, "/v1/datasets", "/metrics", "/openapi.json", "/nowhere"])
      for (const authorization of [undefined, "Bearer wrong", "Bearer secre", "Basic secret", "secret", "Bearer"]) {
        const reply = await api.call(path, { headers: authorization === undefined ? {} : { authorization } });
        assert.deepEqual([reply.status, reply.body["code"], reply.headers.get("www-authenticate")], [401, "server.unauthorized", "Bearer"]);
      }
    assert.equal((await api.call("/v1/datasets", { headers: { authorization: "Bearer secret" } })).status, 200);
    assert.equal((await api.call(records, { headers: { authorization: "bearer secret" } })).status, 200);
    assert.equal((await api.call("/health")).status, 200);
  });

  test("listens on an address that others can reach only with a token", async () => {
    await assert.rejects(openApi({ config: { host: "0.0.0.0" } }), { code: "server.tokenRequired" });
    await using api = await openApi({ config: { host: "0.0.0.0", token: "t" } });
    assert.equal((await fetch(`http://127.0.0.1:${api.server.port}/health`)).status, 200);
    for (const host of ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"]) assert.ok(isLoopback(host), host);
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.example.org", ""]) assert.ok(!isLoopback(host), host);
  });

  test("tells that its port is taken, or its address not there", async () => {
    await using api = await openApi();
    const open = (host: string): Promise<unknown> =>
      openServer({ ...api.rooms, view: emptyView, logger: silentLogger, version: "0.0.0", config: { host, port: api.server.port, token: "t" } });
    await assert.rejects(open("127.0.0.1"), { code: "server.portInUse", facts: { host: "127.0.0.1", port: api.server.port } });
    await assert.rejects(open("192.0.2.1"), { code: "server.listenFailed" });
  });

  test("lets requests that run finish when it closes, and takes no others", async () => {
    await using api = await openApi();
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = api.post(
      records,
      new ReadableStream({
        async start(controller) {
          controller.enqueue(toLines([order(1)]));
          await promise;
          controller.enqueue(toLines([order(2)]));
          controller.close();
        },
      }),
    );
    while (api.rooms.ingest.status().heldBytes === 0) await new Promise((wait) => setTimeout(wait, 2));
    const closed = api.server[Symbol.asyncDispose]();
    await assert.rejects(fetch(`${api.server.url}/health`));
    resolve();
    const { status, body, headers } = await running;
    assert.deepEqual([status, body["accepted"], headers.get("connection")], [200, 2, "close"]);
    await closed;
    await api.server[Symbol.asyncDispose]();
  });

  test("cuts what does not come to an end within its time to close", async () => {
    await using api = await openApi({ config: { limits: { closeMs: 100 } } });
    const endless = api.post(records, new ReadableStream({ start: (controller) => controller.enqueue(toLines([order(1)])) }));
    endless.catch(() => undefined);
    while (api.rooms.ingest.counts().get("shop.orders") === undefined) await new Promise((wait) => setTimeout(wait, 2));
    const started = performance.now();
    await api.server[Symbol.asyncDispose]();
    assert.ok(performance.now() - started < 1_500);
    await assert.rejects(endless);
  });
});
