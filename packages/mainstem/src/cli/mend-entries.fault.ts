// Modules that are slow, records that are large, connections that end: what a person mends comes through all the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../ingest/testing/open-rooms.ts";
import { openApi, type TestApi } from "../server/testing/open-api.ts";
import { createClient, type Call } from "./client.ts";
import type { Context } from "./context.ts";
import { mendEntries, type MendTally } from "./mend-entries.ts";
import { createOutcomeSum } from "./outcome.ts";
import { createTerminal } from "./terminal.ts";
import type { TransformFile } from "./transform-file.ts";

const name = "shop.orders";
const selection = { all: true } as const;
const mended = (orderId: string): object => ({ orderId, revision: 1, amount: "1" });

async function quarantine(api: TestApi, ids: readonly string[], note: string): Promise<void> {
  const lines = ids.map((orderId) => JSON.stringify({ orderId, note })).join("\n");
  const { quarantined } = await api.rooms.ingest.accept(ask(Buffer.from(lines), { invalid: "inbox" }));
  assert.equal(quarantined, ids.length);
}

/** What a command works with, and the calls that it makes. */
function contextOf(api: TestApi): { readonly context: Context; readonly calls: Call[] } {
  const client = createClient({ url: api.server.url, from: "--server", token: undefined });
  const calls: Call[] = [];
  const note = <C extends Call>(call: C): C => {
    calls.push(call);
    return call;
  };
  return {
    calls,
    context: {
      terminal: createTerminal({ color: false, quiet: true }),
      client: { server: client.server, call: (call) => client.call(note(call)), lines: (call) => client.lines(note(call)) },
      json: true,
      signal: new AbortController().signal,
    },
  };
}

function jobOf(transform: TransformFile["transform"]) {
  const tally: MendTally = { sum: createOutcomeSum(), unanswered: 0 };
  return { name, action: "retry", selection, transform: { file: "mend.ts", transform }, contract: undefined, total: undefined, tally } as const;
}

test("a module that takes longer than the server waits gets every entry once all the same", async () => {
  await using api = await openApi({ config: { limits: { idleMs: 300 } } });
  // It has to be cut off, otherwise this tries nothing: where the buffers of both ends hold all of it, there has to be more.
  for (let count = 20, readings = 0; readings < 2; count += 20) {
    assert.ok(count <= 200, "it was never cut off");
    const ids = Array.from({ length: count }, (_, index) => `o${index}`);
    await quarantine(api, ids, "n".repeat(900_000));
    const { context, calls } = contextOf(api);
    const seen: string[] = [];
    const job = jobOf(async (record) => {
      const { orderId } = record as { readonly orderId: string };
      seen.push(orderId);
      if (seen.length % 10 === 1) await sleep(800);
      return mended(orderId);
    });
    await mendEntries(context, job);
    assert.deepEqual(seen, ids);
    assert.equal(job.tally.sum.outcome().accepted, ids.length);
    readings = calls.filter(({ path }) => path.endsWith("/records")).length;
  }
});

test("requests stay within their bounds, and one record beyond all of them stays by itself", async () => {
  await using api = await openApi();
  const ids = Array.from({ length: 2_500 }, (_, index) => `o${index}`);
  await quarantine(api, ids, "");
  const { context, calls } = contextOf(api);
  const job = jobOf((record) => {
    const { orderId } = record as { readonly orderId: string };
    const note = orderId === "o3" ? "n".repeat(700_000) : orderId === "o5" ? "n".repeat(1_048_576) : "";
    return { ...mended(orderId), note };
  });
  await mendEntries(context, job);
  const { accepted, reasons } = job.tally.sum.outcome();
  assert.deepEqual([accepted, reasons.map(({ code, count }) => [code, count])], [2_499, [["record.tooLarge", 1]]]);
  const bodies = calls.flatMap(({ body }) => (body instanceof Buffer ? [JSON.parse(body.toString()) as { readonly records: readonly unknown[] }] : []));
  assert.deepEqual(
    bodies.map(({ records }) => records.length),
    [3, 1, 2_000, 495],
  );
});

test("where the connection ends in the midst of a request, that request is told of apart", async () => {
  await using api = await openApi();
  await quarantine(
    api,
    Array.from({ length: 2_100 }, (_, index) => `o${index}`),
    "",
  );
  const { context, calls } = contextOf(api);
  const job = jobOf((record) => {
    const { orderId } = record as { readonly orderId: string };
    return mended(orderId);
  });
  // The second request goes to nobody.
  const nobody = createClient({ url: "http://127.0.0.1:1", from: "--server", token: undefined });
  const client = {
    ...context.client,
    call: (call: Call) => (calls.some(({ method }) => method === "POST") ? nobody.call(call) : context.client.call(call)),
  };
  await assert.rejects(mendEntries({ ...context, client }, job), { code: "cli.noServer" });
  assert.deepEqual([job.tally.sum.outcome().accepted, job.tally.unanswered], [2_000, 100]);
});
