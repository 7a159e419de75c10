import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, Server as HttpServer, type RequestListener } from "node:http";
import { createServer as createTcp, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MainstemError } from "../runtime/errors.ts";
import { openApi } from "../server/testing/open-api.ts";
import { createClient } from "./client.ts";
import { CliFailure } from "./failure.ts";
import { defaultServer, findServer } from "./server-address.ts";

async function failureOf(url: string, options: { readonly token?: string; readonly from?: string } = {}): Promise<CliFailure> {
  try {
    await createClient({ url, from: options.from ?? "--server", token: options.token }).call({ path: "/v1/datasets" });
  } catch (error) {
    if (error instanceof CliFailure) return error;
    throw error;
  }
  return assert.fail("it was answered");
}

/** What listens on a free port, and is not Mainstem. */
async function listening(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if (server instanceof HttpServer) server.closeAllConnections();
      }),
  };
}

test("where nothing listens, it says so, who gave the address, and how to go on", async () => {
  const { port, [Symbol.asyncDispose]: close } = await listening(createTcp());
  await close();
  const local = await failureOf(`127.0.0.1:${port}`, { from: "MAINSTEM_SERVER" });
  assert.equal(local.code, "cli.noServer");
  assert.equal(local.message, `No Mainstem answers at http://127.0.0.1:${port} (MAINSTEM_SERVER): nothing listens there.`);
  assert.match(local.remedy ?? "", /mainstem dev.*mainstem doctor/);
  // No name has a part of more than 63 letters (RFC 1035, 2.3.4): no resolver of the network is asked for it, so none gives an address to it.
  const nowhere = `${"n".repeat(64)}.invalid`;
  const name = await failureOf(`http://${nowhere}:7070`);
  assert.equal(name.code, "cli.noServer");
  assert.match(`${name.message} ${name.remedy}`, new RegExp(`${nowhere}.*Check the name`));
});

test("where something else answers, it says that it is no Mainstem", async () => {
  const answers: readonly RequestListener[] = [
    (_request, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Shop</title>"),
    (_request, response) => response.writeHead(404, { "content-type": "application/json" }).end('{"message":"no such page"}'),
    (_request, response) => response.writeHead(302, { location: "/login" }).end(),
    (_request, response) => response.writeHead(200, { "content-type": "application/json" }).end('"hello"'),
  ];
  for (const answer of answers) {
    await using other = await listening(createServer(answer));
    const failure = await failureOf(`http://127.0.0.1:${other.port}`);
    assert.equal(failure.code, "cli.answer", failure.message);
    assert.match(failure.message, /is no Mainstem: it answered with \S/);
    assert.match(failure.remedy ?? "", /--server/);
  }
  await using greeting = await listening(
    createTcp((socket) =>
      socket
        .on("error", () => undefined)
        .resume()
        .end("220 mail.example.com ready\r\n"),
    ),
  );
  assert.match((await failureOf(`http://127.0.0.1:${greeting.port}`)).message, /something that is not HTTP/);
});

test("a port without TLS, and the port of the registry's API, are told apart", async () => {
  await using api = await openApi({ config: { registryPort: 0 } });
  const tls = await failureOf(api.server.url.replace("http:", "https:"));
  assert.equal(tls.code, "cli.answer");
  assert.match(tls.remedy ?? "", /http:/);
  const registry = await failureOf(api.server.registryUrl ?? "");
  assert.equal(registry.code, "cli.answer");
  assert.match(`${registry.message} ${registry.remedy}`, /schema registry's API.*server\.port/);
});

test("a token that is missing is told from one that is wrong; the right one is let in", async () => {
  await using api = await openApi({ config: { token: "the-right-one" } });
  const missing = await failureOf(api.server.url);
  assert.equal(missing.code, "server.unauthorized");
  assert.match(missing.message, /asks for its token, and none was given/);
  assert.match(missing.remedy ?? "", /MAINSTEM_TOKEN/);
  const wrong = await failureOf(api.server.url, { token: "another" });
  assert.match(wrong.message, /does not take the token/);
  assert.ok(!wrong.message.includes("another"), "no token is printed");
  const { status } = await createClient({ url: api.server.url, from: "--server", token: "the-right-one" }).call({ path: "/v1/datasets" });
  assert.equal(status, 200);
});

test("a call that is cut on purpose ends with the signal's reason, in its midst too", async () => {
  await using slow = await listening(createServer((_request, response) => response.writeHead(200, { "content-type": "application/json" }).write("{")));
  for (const read of ["call", "lines"] as const) {
    const client = createClient({ url: `http://127.0.0.1:${slow.port}`, from: "--server", token: undefined });
    const stop = new AbortController();
    const call = { path: "/", signal: stop.signal };
    const work = read === "call" ? client.call(call) : client.lines(call)[Symbol.asyncIterator]().next();
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(work, { name: "AbortError" });
  }
});

test("the address comes from the flag, the variable, the configuration of this folder, or the default", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "mainstem-address-"));
  try {
    assert.deepEqual(await findServer({ flag: undefined, env: {}, cwd }), { url: defaultServer, from: "the default", token: undefined });
    await writeFile(join(cwd, "mainstem.config.yaml"), "server: { host: 0.0.0.0, port: 8080, token: env:SHOP_TOKEN }\n");
    const env = { SHOP_TOKEN: "hush" };
    assert.deepEqual(await findServer({ flag: undefined, env, cwd }), { url: "http://127.0.0.1:8080", from: "the configuration", token: "hush" });
    assert.deepEqual(await findServer({ flag: undefined, env: { ...env, MAINSTEM_SERVER_PORT: "9090", MAINSTEM_TOKEN: "mine" }, cwd }), {
      url: "http://127.0.0.1:9090",
      from: "the configuration",
      token: "mine",
    });
    // What the configuration says in secret is for its own server.
    const elsewhere = { ...env, MAINSTEM_SERVER: "http://elsewhere:7070" };
    assert.deepEqual(await findServer({ flag: undefined, env: elsewhere, cwd }), { url: "http://elsewhere:7070", from: "MAINSTEM_SERVER", token: undefined });
    assert.deepEqual(await findServer({ flag: "::1", env: elsewhere, cwd }), { url: "::1", from: "--server", token: undefined });
    await writeFile(join(cwd, "mainstem.config.yaml"), "server: { prot: 8080 }\n");
    await assert.rejects(findServer({ flag: undefined, env: {}, cwd }), (error: MainstemError) => error.code === "config.invalid");
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});

test("who has read enough of an answer keeps no connection open", async () => {
  const ended = Promise.withResolvers<void>();
  const endless = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" }).write('{"id":1}\n{"id":2}\n');
    response.on("close", () => ended.resolve());
  });
  await using server = await listening(endless);
  const client = createClient({ url: `http://127.0.0.1:${server.port}`, from: "--server", token: undefined });
  for await (const line of client.lines({ path: "/" })) {
    assert.equal(line, '{"id":1}');
    break;
  }
  await ended.promise;
});

test("lines are whole: of one that is cut off nothing is given", async () => {
  const long = JSON.stringify({ text: "ü€".repeat(100_000) });
  await using server = await listening(
    createServer((request, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      if (request.url === "/whole") response.end(`{"id":1}\n\n${long}\n{"id":2}`);
      else response.write(`{"id":1}\n{"id":`, () => setTimeout(() => response.destroy(), 50));
    }),
  );
  const client = createClient({ url: `http://127.0.0.1:${server.port}`, from: "--server", token: undefined });
  const lines: string[] = [];
  for await (const line of client.lines({ path: "/whole" })) lines.push(line);
  assert.deepEqual(lines, ['{"id":1}', long, '{"id":2}']);
  const cut: string[] = [];
  const reading = (async () => {
    for await (const line of client.lines({ path: "/cut" })) cut.push(line);
  })();
  await assert.rejects(reading, { code: "cli.connection" });
  assert.deepEqual(cut, ['{"id":1}']);
});
