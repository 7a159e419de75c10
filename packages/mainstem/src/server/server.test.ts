import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { order, toLines } from "../ingest/testing/open-rooms.ts";
import { silentLogger } from "../runtime/logger.ts";
import { until } from "../runtime/testing/until.ts";
import { openServer } from "./server.ts";
import { emptyView, openApi } from "./testing/open-api.ts";
import { isLoopback } from "./token.ts";

const records = "/v1/datasets/shop.orders/records";
const ownType = "application/vnd.schemaregistry.v1+json";

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

  test("without a token it answers only under names of this machine, so that no web page reads it through its visitor's browser", async () => {
    await using api = await openApi({ config: { registryPort: 0 } });
    const ask = (host: string, path = "/v1/datasets", port = api.server.port): Promise<string> => raw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`);
    for (const host of ["localhost", "LOCALHOST:7070", "127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "[::1]", "[::1]:7070"])
      assert.match(await ask(host), /^HTTP\/1\.1 200 /, host);
    for (const host of [
      "evil.example",
      "evil.example:7070",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "127.0.0.1@evil.example",
      "[::2]",
      "10.0.0.1",
      "",
    ])
      for (const path of ["/v1/datasets", records, "/health", "/"])
        assert.match(await ask(host, path), /^HTTP\/1\.1 421 [\s\S]*"code":"server\.hostRefused"/, `${host} ${path}`);
    const registryPort = Number(new URL(api.server.registryUrl ?? "").port);
    for (const answer of [await ask("evil.example", "/registry/subjects"), await ask("evil.example", "/subjects", registryPort)])
      assert.match(answer, /^HTTP\/1\.1 421 [\s\S]*"error_code":421/);

    await using guarded = await openApi({ config: { token: "t" } });
    assert.match(await raw(guarded.server.port, "GET /v1/datasets HTTP/1.1\r\nHost: any.example\r\nAuthorization: Bearer t\r\n"), /^HTTP\/1\.1 200 /);
  });

  test("serves the registry's API on a port of its own as well, by the same rules", async () => {
    await using api = await openApi({ config: { token: "secret", registryPort: 0 } });
    const url = api.server.registryUrl ?? "";
    const headers = { authorization: "Bearer secret" };
    assert.deepEqual(await (await fetch(`${url}/subjects`, { headers })).json(), ["shop.orders-value"]);
    assert.deepEqual(await (await fetch(`${url}/subjects/none/versions`, { headers })).json(), { error_code: 40401, message: "Subject 'none' not found." });
    const wrong = await fetch(`${url}/subjects`);
    assert.deepEqual([wrong.status, wrong.headers.get("content-type"), wrong.headers.get("www-authenticate")], [401, ownType, "Bearer"]);
    assert.deepEqual(await wrong.json(), { error_code: 401, message: "The server's token is missing or wrong." });
    for (const path of ["/v1/datasets", "/health", "/openapi.json", "/registry/subjects", "/../v1/datasets"])
      assert.equal((await fetch(url + path, { headers })).status, 404, path);
    const nothing = await fetch(`${url}/nothing?a=b`, { headers });
    assert.deepEqual(await nothing.json(), { error_code: 404, message: "There is nothing at /nothing." }, "by the path that was asked for");
    const taken = openServer({
      ...api.rooms,
      view: emptyView,
      logger: silentLogger,
      version: "0.0.0",
      config: { host: "127.0.0.1", port: 0, registryPort: Number(new URL(url).port) },
    });
    await assert.rejects(taken, { code: "server.portInUse" });
    await api.server[Symbol.asyncDispose]();
    await assert.rejects(fetch(`${url}/subjects`));
  });

  test("tells that its port is taken, or its address not there", async () => {
    await using api = await openApi();
    const open = (host: string): Promise<unknown> =>
      openServer({ ...api.rooms, view: emptyView, logger: silentLogger, version: "0.0.0", config: { host, port: api.server.port, token: "t" } });
    await assert.rejects(open("127.0.0.1"), { code: "server.portInUse", facts: { host: "127.0.0.1", port: api.server.port } });
    await assert.rejects(open("192.0.2.1"), { code: "server.listenFailed" });
  });

  test("lets requests that run finish when it closes, and tells others to come later", async () => {
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
    await until("the first record is taken", () => api.rooms.ingest.counts().has("shop.orders"));
    const closed = api.server[Symbol.asyncDispose]();
    const late = await api.call("/health");
    assert.deepEqual([late.status, late.body["code"], late.headers.get("connection")], [503, "server.closing", "close"]);
    assert.match(late.headers.get("retry-after") ?? "", /^\d+$/);
    resolve();
    const { status, body, headers } = await running;
    assert.deepEqual([status, body["accepted"], headers.get("connection")], [200, 2, "close"]);
    await closed;
    await assert.rejects(fetch(`${api.server.url}/health`));
    await api.server[Symbol.asyncDispose]();
  });

  test("tells all who send again and again that it closes, and cuts none of them off", async () => {
    await using api = await openApi({ config: { limits: { lingerMs: 2_000 } } });
    const agent = new Agent({ keepAlive: true });
    const body = toLines(Array.from({ length: 200 }, (_, index) => order(index)));
    const send = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sending = request(`${api.server.url}${records}`, { method: "POST", agent, headers: { "content-type": "application/x-ndjson" } });
        sending.on("error", reject).on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
        sending.end(body);
      });
    const sent = { requests: 0 };
    const producers = Array.from({ length: 6 }, async () => {
      for (;;) {
        const status = await send();
        if (status !== 200) return status;
        sent.requests++;
        // Most connections are idle at any one moment, as between two batches.
        await new Promise((wait) => setTimeout(wait, 20));
      }
    });
    await until("twelve bodies are taken", () => sent.requests >= 12);
    const closed = api.server[Symbol.asyncDispose]();
    assert.deepEqual(await Promise.all(producers), [503, 503, 503, 503, 503, 503]);
    agent.destroy();
    await closed;
  });

  test("cuts what does not come to an end within its time to close", async () => {
    await using api = await openApi({ config: { limits: { closeMs: 100 } } });
    const endless = api.post(records, new ReadableStream({ start: (controller) => controller.enqueue(toLines([order(1)])) }));
    endless.catch(() => undefined);
    await until("the record is taken", () => api.rooms.ingest.counts().has("shop.orders"));
    // The body never ends: that closing does is what is tried.
    await api.server[Symbol.asyncDispose]();
    await assert.rejects(endless);
  });
});

/** Sends a head as it is, which `fetch` would not, and gives the whole answer. */
async function raw(port: number, head: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`${head}Connection: close\r\n\r\n`);
  return await text(socket);
}
