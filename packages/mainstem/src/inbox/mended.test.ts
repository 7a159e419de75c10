// Records that are mended elsewhere: handed out, and taken back by entry.
import assert from "node:assert/strict";
import { test } from "node:test";
import { order } from "../ingest/testing/open-rooms.ts";
import { createInbox, type RefusedRecord } from "./inbox.ts";
import { dyingInbox, good, name, openWorld, type World } from "./testing/open-world.ts";

const all = { all: true } as const;

async function handedOut({ inbox }: World, selection: Parameters<World["inbox"]["records"]>[1] = { selection: all }): Promise<readonly RefusedRecord[]> {
  const found: RefusedRecord[] = [];
  for await (const one of inbox.records(name, selection)) found.push(one);
  return found;
}

async function idsOf(world: World): Promise<readonly string[]> {
  return (await handedOut(world)).map(({ entry }) => entry.id);
}

test("what waits is handed out with its records, whole numbers exact, and with why there is none", async () => {
  await using world = await openWorld();
  await world.quarantine('{"orderId":"b","revision":9007199254740993,"__proto__":{"x":1}}', "{not json", "[1]", ' {"orderId": "c"}', '{"note":1e999}');
  const found = await handedOut(world);
  assert.deepEqual(
    found.map((one) => (one.kind === "record" ? one.json : one.code)),
    ['{"orderId":"b","revision":9007199254740993,"__proto__":{"x":1}}', "inbox.unreadable", "[1]", '{"orderId":"c"}', "inbox.unreadable"],
  );
  const [first, second] = found;
  const group = String(second?.entry.group);
  assert.deepEqual(
    (await handedOut(world, { selection: { group } })).map(({ entry }) => entry.id),
    [second?.entry.id],
  );
  const after = Number(first?.entry.offset);
  assert.equal((await handedOut(world, { selection: all, after })).length, 4);
  assert.deepEqual(await handedOut(world, { selection: { group }, after: after + 1 }), [], "who asks for the rest of a group hears that there is none");
  await assert.rejects(handedOut(world, { selection: { group: "none" } }), { code: "inbox.entryUnknown" });
  await assert.rejects(handedOut(world, { selection: { id: "none" } }), { code: "inbox.entryUnknown" });
});

test("mended records are previewed, then sent; one whose entry does not wait is refused by itself", async () => {
  await using world = await openWorld();
  await world.quarantine("{}", "{not json", "[]");
  const [a = "", b = "", c = ""] = await idsOf(world);
  const records = [
    { id: a, record: order(1) },
    { id: b, record: order(2) },
    { id: "door/none/1", record: order(3) },
    { id: "door/none/2", record: order(4) },
    { id: c, record: { ...order(5), revision: "soon" } },
  ];
  for (const outcome of [await world.inbox.preview(name, { records }), await world.inbox.retry(name, { records })]) {
    assert.deepEqual([outcome.selected, outcome.accepted, outcome.refused], [5, 2, 3]);
    assert.deepEqual(
      outcome.reasons.map(({ code, path, count }) => [code, path, count]),
      [
        ["inbox.entryUnknown", "", 2],
        ["record.invalid", "revision", 1],
      ],
    );
  }
  assert.deepEqual(
    (await world.records()).map(({ orderId }) => orderId),
    ["order-1", "order-2"],
  );
  assert.deepEqual(await idsOf(world), [c]);
  const again = await world.inbox.retry(name, { records: records.slice(0, 2) });
  assert.deepEqual([again.accepted, again.reasons[0]?.code, await world.count()], [0, "inbox.entryUnknown", 2]);
});

test("adds nothing when its settlement was lost and it comes again with other mended records", async () => {
  await using world = await openWorld();
  await world.quarantine(...Array.from({ length: 100 }, () => "{}"));
  const ids = await idsOf(world);
  const lost = new Error("the process dies here");
  await assert.rejects(dyingInbox(world.rooms, lost).retry(name, { records: ids.map((id, index) => ({ id, record: order(index) })) }), lost);
  const before = await world.records();
  assert.ok(before.length > 0);
  assert.equal((await idsOf(world)).length, 100);
  const again = await world.inbox.retry(name, { records: ids.map((id, index) => ({ id, record: order(index, { note: "mended otherwise" }) })) });
  assert.equal(again.accepted, 100);
  const records = await world.records();
  assert.equal(records.length, 100);
  assert.equal(records.filter(({ note }) => note === null).length, before.length, "what was stored first stays");
  assert.deepEqual(await idsOf(world), []);
});

test("a list is no record: it is refused, and neither many of it nor none of it is sent", async () => {
  await using world = await openWorld();
  await world.quarantine("{}", "{}", JSON.stringify(good).replace("1.50", "x"));
  const [a = "", b = ""] = await idsOf(world);
  const records = [
    { id: a, record: [order(1), order(2)] },
    { id: b, record: [] },
  ];
  for (const outcome of [await world.inbox.preview(name, { records }), await world.inbox.retry(name, { records })])
    assert.deepEqual([outcome.accepted, outcome.refused], [0, 2]);
  const twice = await world.inbox.retry(name, { selection: all, transform: "[merge(record, {'amount': '1'}), record]" });
  assert.deepEqual([twice.accepted, twice.refused], [0, 3]);
  assert.equal(await world.count(), 0);
  assert.equal((await idsOf(world)).length, 3);
});

test("a number that JSON does not have fails its entry, it does not become null", async () => {
  await using world = await openWorld();
  await world.quarantine('{"orderId":"a","revision":1,"note":0.0,"amount":"1"}');
  const outcome = await world.inbox.retry(name, { selection: all, transform: "merge(record, {'note': 0.0 / record.note})" });
  assert.deepEqual(
    outcome.reasons.map(({ code, received }) => [code, received]),
    [["inbox.transformFailed", "note is NaN, which JSON cannot hold."]],
  );
});

test("an original that is nested beyond all measure is no fault of ours", async () => {
  await using world = await openWorld();
  await world.quarantine(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  assert.equal((await world.inbox.retry(name, { selection: all })).reasons[0]?.code, "inbox.unreadable");
});

test("reasons that are all different are counted together beyond a bound", async () => {
  await using world = await openWorld();
  await world.quarantine(...Array.from({ length: 1_200 }, (_, index) => `{not json ${String(index).padStart(1 + index, "x")}`));
  const { refused, reasons } = await world.inbox.preview(name, { selection: all });
  assert.equal(refused, 1_200);
  assert.ok(reasons.length <= 1_001, String(reasons.length));
  assert.equal(
    reasons.reduce((sum, { count }) => sum + count, 0),
    1_200,
  );
});

test("a door that takes nothing fails a retry, and nothing else", async () => {
  await using world = await openWorld();
  // More than is read from the log at once: the first is refused while the next are still read.
  await world.quarantine(...Array.from({ length: 4 }, (_, index) => JSON.stringify({ orderId: index, note: "n".repeat(700_000) })));
  const full = new Error("the log is full");
  const closed = createInbox({ ...world.rooms, ingest: { ...world.rooms.ingest, accept: () => Promise.reject(full) } });
  await assert.rejects(closed.retry(name, { selection: all }), full);
  assert.equal((await idsOf(world)).length, 4);
});
