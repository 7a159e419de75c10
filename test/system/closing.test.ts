import assert from "node:assert/strict";
import { request } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { ordersContract } from "./command-line.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

const contract = ordersContract();

/** Begins to send records and stops in the midst of one, which the door holds: `finish` sends the rest. */
function upload({ url }: RunningPlatform) {
  const sending = request(`${url}/v1/datasets/shop.orders/records`, { method: "POST", headers: { "content-type": "application/x-ndjson" } });
  const answer = new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    sending.on("error", reject).on("response", (response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString())).on("end", () => resolve({ status: response.statusCode, body }));
    });
  });
  sending.write('{"id":"a","revision":1}\n{"id":"b"');
  return { answer, finish: () => void sending.end(',"revision":1}\n') };
}

function untilHeld({ url }: RunningPlatform): Promise<unknown> {
  const look = async (): Promise<boolean> => /^mainstem_ingest_held_bytes [1-9]/m.test(await (await fetch(`${url}/metrics`)).text());
  return until("the upload is at the door", look, { everyMs: 10 });
}

function untilClosing({ url }: RunningPlatform): Promise<Response> {
  const look = async (): Promise<Response | undefined> => {
    const answer = await fetch(`${url}/v1/tasks`);
    if (answer.status === 503) return answer;
    await answer.text();
    return undefined;
  };
  return until("the platform closes", look, { everyMs: 10 });
}

test("SIGTERM answers what runs, turns the rest away with a time to come again, and ends with 0; the log level is read", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "mainstem.config.json"), JSON.stringify({ datasets: ["orders.json"], logLevel: "silent" }));
  await writeFile(join(folder.path, "orders.json"), JSON.stringify(contract));
  await using platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_LOG_LEVEL: "info" } });
  const running = upload(platform);
  await untilHeld(platform);
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

test("a second signal ends it at once, and a flag wins over environment and file", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "mainstem.config.json"), JSON.stringify({ datasets: ["orders.json"], logLevel: "info" }));
  await writeFile(join(folder.path, "orders.json"), JSON.stringify(contract));
  await using platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_LOG_LEVEL: "debug" }, args: ["--log-level", "silent"] });
  const running = upload(platform);
  running.answer.catch(() => undefined);
  await untilHeld(platform);
  void platform.kill("SIGTERM");
  await untilClosing(platform);
  assert.deepEqual(await platform.kill("SIGTERM"), { code: 143, signal: null });
  assert.doesNotMatch(platform.said(), /"level"/);
});
