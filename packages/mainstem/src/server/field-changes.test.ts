import assert from "node:assert/strict";
import { test } from "node:test";
import { toLines } from "../ingest/testing/open-rooms.ts";
import { openApi, type TestApi } from "./testing/open-api.ts";

const records = "/v1/datasets/cinema.tickets/records";

function declared(fields: readonly object[], rest: object = {}): object {
  const schema = { type: "record", name: "tickets", namespace: "cinema", fields };
  return { name: "cinema.tickets", schema, key: ["id"], order: ["revision"], ...rest };
}

async function declare(api: TestApi, contract: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const { status, body } = await api.call("/v1/definitions/dataset/cinema.tickets", { method: "PUT", headers, body: JSON.stringify(contract) });
  assert.ok(status === 200 || status === 201, JSON.stringify(body));
}

/** By key. */
async function readAll(api: TestApi): Promise<readonly unknown[]> {
  const { lines } = await api.call(`${records}?from=start`);
  return lines.map(({ key, value }) => [Number(key), value] as const).sort(([a], [b]) => a - b);
}

test("producers of all versions are understood, and readers get what the contract in force says", async () => {
  await using api = await openApi();
  const revision = { name: "revision", type: "long" };
  await declare(api, declared([{ name: "id", type: "int" }, revision, { name: "seat", type: "string" }, { name: "row", type: "int", default: 0 }]));
  assert.equal((await api.post(records, toLines([{ id: 1, revision: 1, seat: "A1", row: 3 }]))).status, 200);
  assert.deepEqual(await readAll(api), [[1, { id: 1, revision: 1, seat: "A1", row: 3 }]]);
  const ticket = { name: "ticket", type: "long", aliases: ["id"] };
  const place = { name: "place", type: ["string", "null"], aliases: ["seat"] };
  const added = { name: "channel", type: "string", default: "desk" };
  await declare(api, declared([ticket, revision, place, added], { key: ["ticket"], removed: ["row"] }));
  const sent = [
    { id: 2, revision: 1, seat: "A2" },
    { ticket: 2 ** 40, revision: 1, place: null, channel: "web" },
    { id: 3, ticket: 3, revision: 1, place: "A3" },
    { id: 4, revision: 1, seat: "A4", row: 1 },
  ];
  const answer = await api.post(records, toLines(sent));
  const refused = answer.body["refused"] as readonly {
    readonly index: number;
    readonly errors: readonly { readonly path: string; readonly expected: string }[];
  }[];
  assert.deepEqual(
    refused.map(({ index, errors }) => [index, errors[0]?.path, errors[0]?.expected]),
    [
      [2, "ticket", "only one of id and ticket, which are one field"],
      [3, "row", "no such field"],
    ],
  );
  assert.deepEqual(await readAll(api), [
    [1, { ticket: 1, revision: 1, place: "A1", channel: "desk" }],
    [2, { ticket: 2, revision: 1, place: "A2", channel: "desk" }],
    [2 ** 40, { ticket: 2 ** 40, revision: 1, place: null, channel: "web" }],
  ]);
  const { body } = await api.call("/v1/definitions/dataset/cinema.tickets/history");
  assert.deepEqual((body["versions"] as readonly { readonly changes: unknown }[])[1]?.changes, [
    "field channel added",
    "field id renamed to ticket",
    "field seat renamed to place",
    "field ticket widened from int to long",
    "field place may be null now",
    "field row removed",
  ]);
});
