// The dataset on a platform of its own, which keeps its data in a folder that goes away.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createProducer } from "@mainstem/client";
import { applyDatasets, openPlatform, parseConfig } from "mainstem";
import { orders } from "./datasets/orders.ts";

test("each order stands once in the table, in its latest state, whatever the order of the news", { timeout: 60_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "orders-"));
  try {
    const config = parseConfig({ dataDir, server: { port: 0 }, archive: { every: "100ms" }, tables: { every: "100ms" } });
    await using platform = await openPlatform(config);
    await applyDatasets({ server: platform.url, datasets: [orders] });

    const placed = { orderId: "T-1", revision: 1, placedAt: "2026-11-20T09:15:00Z", status: "placed", amount: "19.90" } as const;
    const refused: string[] = [];
    await using producer = await createProducer({ url: platform.url, dataset: orders, onRefused: ({ message }) => void refused.push(message) });
    await producer.send({ ...placed, revision: 2, status: "shipped" });
    await producer.send(placed);
    await producer.send(placed);
    await producer.send({ ...placed, orderId: "T-2", amount: "a lot" });
    await producer.flush();
    assert.equal(refused.length, 1);

    const rows = async (): Promise<unknown> => {
      const sql = "SELECT orderId, revision, status FROM shop.orders ORDER BY orderId";
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${platform.url}/v1/query`, { method: "POST", headers, body: JSON.stringify({ sql }) });
      return ((await answer.json()) as { readonly rows: unknown }).rows;
    };
    let found = await rows();
    for (; JSON.stringify(found) === "[]"; found = await rows()) await sleep(100);
    assert.deepEqual(found, [["T-1", 2, "shipped"]]);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
