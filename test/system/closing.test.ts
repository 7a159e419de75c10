import assert from "node:assert/strict";
import { request } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ordersContract } from "./command-line.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

const contract = ordersContract();

/** Begins to send records and does not end: `finish` sends the last one and gives the answer. */
function upload({ url }: RunningPlatform) {
  const sending = request(`${url}/v1/datasets/shop.orders/records`, { method: "POST", headers: { "content-type": "application/x-ndjson" } });
  const answer = new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    sending.on("error", reject).on("response", (response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString())).on("end", () => resolve({ status: response.statusCode, body }));
    });
  });
  sending.write('{"id":"a","revision":1}\n');
  return { answer, finish: () => void sending.end('{"id":"b","revision":1}\n') };
}

async function untilClosing({ url }: RunningPlatform): Promise<Response> {
  for (;;) {
    const answer = await fetch(`${url}/v1/tasks`);
    if (answer.status === 503) return answer;
    await answer.text();
    await sleep(10);
  }
}

test("SIGTERM answers what runs, turns the rest away with a time to come again, and ends with 0; the log level is read", { timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "mainstem.config.json"), JSON.stringify({ datasets: ["orders.json"], logLevel: "silent" }));
  await writeFile(join(folder.path, "orders.json"), JSON.stringify(contract));
  await using platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_LOG_LEVEL: "info" } });
  const running = upload(platform);
  await sleep(300);
  const ending = platform.kill("SIGTERM");
  const late = await untilClosing(platform);
  assert.equal(((await late.json()) as { readonly code: string }).code, "server.closing");
  assert.match(late.headers.get("retry-after") ?? "", /^\d+$/);
  running.finish();
  const { status, body } = await running.answer;
  assert.deepEqual([status, (JSON.parse(body) as { readonly accepted: number }).accepted], [200, 2]);
  assert.deepEqual(await ending, { code: 0, signal: null });
  assert.match(platform.said(), /"msg":"server listens"/, "the environment wins over the file");
});

test("a second signal ends it at once, and a flag wins over environment and file", { timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "mainstem.config.json"), JSON.stringify({ datasets: ["orders.json"], logLevel: "info" }));
  await writeFile(join(folder.path, "orders.json"), JSON.stringify(contract));
  await using platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_LOG_LEVEL: "debug" }, args: ["--log-level", "silent"] });
  const running = upload(platform);
  running.answer.catch(() => undefined);
  await sleep(300);
  void platform.kill("SIGTERM");
  await untilClosing(platform);
  const started = performance.now();
  assert.deepEqual(await platform.kill("SIGTERM"), { code: 143, signal: null });
  assert.ok(performance.now() - started < 3_000);
  assert.doesNotMatch(platform.said(), /"level"/);
});
