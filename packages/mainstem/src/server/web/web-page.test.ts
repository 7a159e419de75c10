import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openApi, type TestApi } from "../testing/open-api.ts";

const script = `console.log("${"x".repeat(2_000)}");`;
const html = { accept: "text/html" };

describe("the web page", () => {
  let directory: string;
  let api: TestApi;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mainstem-web-"));
    await mkdir(join(directory, "web", "assets"), { recursive: true });
    await writeFile(join(directory, "web", "index.html"), "<!doctype html><title>Mainstem</title>");
    await writeFile(join(directory, "web", "assets", "index-abc.js"), script);
    await writeFile(join(directory, "web", "assets", "secret.json"), "{}");
    await writeFile(join(directory, "outside.js"), "outside");
    api = await openApi({ webDirectory: join(directory, "web"), config: { token: "let me in" } });
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  test("is served without the token, asked for again each time, and lets nothing in that is not this server's", async () => {
    const { status, headers, text } = await api.call("/");
    assert.deepEqual([status, text], [200, "<!doctype html><title>Mainstem</title>"]);
    assert.deepEqual(
      ["content-type", "cache-control", "x-content-type-options", "referrer-policy"].map((name) => headers.get(name)),
      ["text/html; charset=utf-8", "no-cache", "nosniff", "no-referrer"],
    );
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self';.*connect-src 'self'.*frame-ancestors 'none'$/);
    const again = await api.call("/?x=1", { headers: { "if-none-match": headers.get("etag") ?? "" } });
    assert.deepEqual([again.status, again.text], [304, ""]);
    assert.equal((await api.call("/v1/datasets")).status, 401);
  });

  test("is read anew when it was built anew", async () => {
    const first = await api.call("/");
    await writeFile(join(directory, "web", "index.html"), "<!doctype html><title>Other</title>");
    const { status, text } = await api.call("/", { headers: { "if-none-match": first.headers.get("etag") ?? "" } });
    assert.deepEqual([status, text], [200, "<!doctype html><title>Other</title>"]);
  });

  test("has scripts that browsers keep for good, zipped for those that take it", async () => {
    const { status, headers, text } = await api.call("/assets/index-abc.js");
    assert.deepEqual([status, text], [200, script]);
    assert.deepEqual(
      ["content-type", "cache-control", "content-encoding", "vary"].map((name) => headers.get(name)),
      ["text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "gzip", "accept-encoding"],
    );
    const plain = await api.raw("GET /assets/index-abc.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip;q=0\r\nConnection: close\r\n\r\n");
    assert.ok(plain.endsWith(script) && !plain.includes("content-encoding"));
    const head = await api.raw("HEAD /assets/index-abc.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    assert.match(head, /^HTTP\/1.1 200[^]*content-encoding: gzip[^]*\r\n\r\n$/);
    const zipped = await api.raw("GET /assets/index-abc.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip\r\nConnection: close\r\n\r\n");
    assert.equal(gunzipSync(Buffer.from(zipped.slice(zipped.indexOf("\r\n\r\n") + 4), "latin1")).toString(), script);
  });

  test("serves no other file and no other method", async () => {
    for (const path of ["/assets/none.js", "/assets/secret.json"]) assert.deepEqual([(await api.call(path)).status, path], [404, path]);
    for (const path of [
      "/../outside.js",
      "/assets/../../outside.js",
      "/assets/..%2f..%2foutside.js",
      "/assets/./index-abc.js",
      "/assets/",
      "/index.html",
      "/outside.js",
    ]) {
      const answer = await api.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1.1 401/, path);
    }
    const { status, headers } = await api.call("/", { method: "DELETE" });
    assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"]);
  });
});

test("a server without a built page says what to do, to people and to programs", async () => {
  await using api = await openApi({ webDirectory: undefined });
  const page = await api.call("/", { headers: html });
  assert.deepEqual([page.status, page.headers.get("content-type"), page.headers.get("cache-control")], [404, "text/html; charset=utf-8", "no-store"]);
  assert.match(page.text, /node tools\/setup\.mjs/);
  const problem = await api.call("/");
  assert.deepEqual([problem.status, problem.body["code"]], [404, "server.pageNotBuilt"]);
});
