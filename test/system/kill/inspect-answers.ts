import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { until } from "../../../packages/mainstem/src/runtime/testing/until.ts";
import type { Ledger } from "./client.ts";
import { datasetName, type Sent } from "./generator.ts";

interface Logged {
  readonly partition: number;
  readonly offset: number;
  readonly value: Sent;
}

/** Every record of the log, as the platform gives it. Offsets count from 0 in each partition, without a hole. */
export async function readLog(url: string): Promise<readonly Sent[]> {
  const response = await fetch(`${url}/v1/datasets/${datasetName}/records`);
  assert.equal(response.status, 200);
  assert.ok(response.body);
  const next = new Map<number, number>();
  const records: Sent[] = [];
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    const { partition, offset, value } = JSON.parse(line) as Logged;
    assert.equal(offset, next.get(partition) ?? 0, `partition ${partition} goes on with another offset`);
    next.set(partition, offset + 1);
    records.push(value);
  }
  return records;
}

/** Acknowledged records are in the log once, unanswered ones at most once, refused ones never, and nothing else is. */
export function checkLog(records: readonly Sent[], { accepted, unknown, refusedIds }: Ledger): void {
  const found = new Map<string, number>();
  for (const { sent } of records) found.set(sent, (found.get(sent) ?? 0) + 1);
  const twice = [...found].filter(([, count]) => count > 1);
  assert.deepEqual(twice, [], "records are in the log more than once");
  const lost = accepted.filter(({ sent }) => !found.has(sent));
  assert.deepEqual(lost, [], "acknowledged records are not in the log");
  const letIn = refusedIds.filter((sent) => found.has(sent));
  assert.deepEqual(letIn, [], "refused records are in the log");
  const known = new Map([...accepted, ...unknown].map((record) => [record.sent, record]));
  for (const record of records) {
    const original = known.get(record.sent);
    assert.ok(original, `nobody sent ${record.sent}`);
    assert.deepEqual({ ...record, at: Date.parse(record.at) }, { ...original, at: Date.parse(original.at) }, "a record is not what was sent");
  }
}

/** Waits until the table holds everything that is in the log now, and compares them. */
export async function checkTable(url: string, records: readonly Sent[]): Promise<void> {
  await waitForTable(url);
  const expected = new Map<string, Sent>();
  for (const record of records) if (record.revision > (expected.get(record.id)?.revision ?? -1)) expected.set(record.id, record);
  const rows = await query(url, `SELECT id, revision, sent, epoch_ms("at") FROM ${datasetName} ORDER BY id`);
  const found = rows.map(([id, revision, sent, at]) => ({ id, revision, sent, at }));
  const wanted = [...expected.values()]
    .map(({ id, revision, sent, at }) => ({ id, revision, sent, at: Date.parse(at) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(found, wanted, "the table has other rows than the log's records make");
}

async function waitForTable(url: string): Promise<void> {
  const wanted = Date.now();
  let last: unknown;
  const look = async (): Promise<boolean> => {
    const detail = (await (await fetch(`${url}/v1/datasets/${datasetName}`)).json()) as {
      readonly table: { readonly completeThrough: string | null } | null;
      readonly status: string;
    };
    last = detail;
    assert.notEqual(detail.status, "failed", JSON.stringify(detail));
    return Date.parse(detail.table?.completeThrough ?? "") >= wanted;
  };
  await until(() => `the table is complete: ${JSON.stringify(last)}`, look, { everyMs: 100 });
}

async function query(url: string, sql: string): Promise<readonly (readonly unknown[])[]> {
  const response = await fetch(`${url}/v1/query`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ sql }) });
  const body = (await response.json()) as { readonly rows: readonly (readonly unknown[])[] };
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.rows;
}
