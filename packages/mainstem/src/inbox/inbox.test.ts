import assert from "node:assert/strict";
import { test } from "node:test";
import { formatContract, formatExact, parseContract } from "@mainstem/contract";
import { RecordCursor, type Offset, type Partition } from "../log/index.ts";
import { ask, orders, ordersWithShop, readRecords, toLines } from "../ingest/testing/open-rooms.ts";
import { putUnreadable } from "../tables/inbox.ts";
import { createInbox } from "./inbox.ts";
import { dyingInbox, good, name, openWorld } from "./testing/open-world.ts";
import { compileTransform, parseForTransform } from "./transform.ts";

test("groups what waits by cause, and shows an entry with its original bytes", async () => {
  await using world = await openWorld();
  const noAmount = JSON.stringify({ orderId: "a", revision: 1 });
  await world.quarantine(JSON.stringify({ orderId: "b", revision: 2 }), noAmount, "{not json");
  const { groups, entries, more } = await world.inbox.groups(name);
  assert.deepEqual([entries, more], [3, false]);
  assert.deepEqual(
    groups.map(({ from, code, path, count }) => [from, code, path, count]),
    [
      ["door", "record.invalid", "amount", 2],
      ["door", "record.notJson", "", 1],
    ],
  );
  const shown = await world.inbox.show(name, groups[0]!.example);
  assert.equal(shown.original?.toString(), noAmount);
  assert.deepEqual(formatExact(shown.record), noAmount);
  const [entry] = await world.inbox.entries(name, { selection: { group: groups[1]!.group }, limit: 10 });
  assert.equal((await world.inbox.show(name, entry!.id)).original?.toString(), "{not json");
  await assert.rejects(world.inbox.show(name, "door/x/1"), { code: "inbox.entryUnknown" });
});

test("previews an expression against a whole group without sending anything, and retries with it", async () => {
  await using world = await openWorld();
  await world.quarantine('{"orderId":"a","revision":1,"total":12}', '{"orderId":"b","revision":9007199254740993,"total":7}', '{"orderId":"c","revision":3}');
  assert.deepEqual(
    (await world.inbox.groups(name)).groups.map(({ path, count }) => [path, count]),
    [
      ["amount", 2],
      ["revision", 1],
    ],
  );
  const selection = { all: true } as const;
  const transform = "merge(without(record, ['total']), {'amount': string(record.total) + '.00'})";
  const preview = await world.inbox.preview(name, { selection, transform });
  assert.deepEqual([preview.selected, preview.accepted, preview.refused], [3, 1, 2]);
  assert.deepEqual(preview.samples[0]?.record, { orderId: "a", revision: 1, amount: "12.00" });
  assert.deepEqual(
    preview.reasons.map(({ code, path }) => [code, path]),
    [
      ["record.invalid", "revision"],
      ["inbox.transformFailed", ""],
    ],
  );
  assert.equal(await world.count(), 0);

  const retried = await world.inbox.retry(name, { selection, transform });
  assert.deepEqual([retried.accepted, retried.refused], [1, 2]);
  assert.equal(await world.count(), 1);
  assert.equal((await world.inbox.groups(name)).entries, 2);
});

test("takes up with a new contract what the old one refused", async () => {
  await using world = await openWorld();
  await world.quarantine(JSON.stringify({ ...good, shop: "north" }));
  assert.equal((await world.inbox.preview(name, { selection: { all: true } })).accepted, 0);
  assert.equal((await world.inbox.preview(name, { selection: { all: true }, contract: ordersWithShop })).accepted, 1);
  await world.rooms.registry.apply(ordersWithShop);
  assert.equal((await world.inbox.retry(name, { selection: { all: true } })).accepted, 1);
  assert.deepEqual((await world.inbox.groups(name)).groups, []);
});

test("a preview looks at how far ahead a time may be, as the door will", async () => {
  await using world = await openWorld();
  const fields = [
    { name: "id", type: "string" },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
  ];
  const contract = parseContract({
    formatVersion: 1,
    name: "shop.visits",
    schema: { type: "record", name: "visits", namespace: "shop", fields },
    key: ["id"],
    order: ["at"],
    maxAhead: "1h",
  });
  await world.rooms.registry.apply(contract);
  const body = (async function* () {
    yield Buffer.from('{"id":"a","at":"2026-11-21T10:00:00Z","more":1}\n');
  })();
  await world.rooms.ingest.accept({ dataset: contract.name, format: "ndjson", encoding: "identity", body, invalid: "inbox", atomic: false });
  const selection = { all: true } as const;
  for (const [at, path] of [
    ["2020-01-01T00:00:00Z", undefined],
    ["9020-01-01T00:00:00Z", "at"],
  ] as const) {
    const transform = `merge(without(record, ['more']), {'at': '${at}'})`;
    const preview = await world.inbox.preview(contract.name, { selection, transform });
    assert.equal(preview.reasons[0]?.path, path);
  }
});

test("whole numbers beyond 2^53 that a fix gives are longs and doubles, as the contract has them, however deep", async () => {
  await using world = await openWorld();
  const measures = { type: "map", values: ["null", "double"] };
  const part = { type: "record", name: "part", fields: [{ name: "sizes", type: { type: "array", items: ["null", measures] } }] };
  const fields = [
    { name: "id", type: "string" },
    { name: "mass", type: "double", aliases: ["weight"] },
    { name: "count", type: "long" },
    { name: "part", type: part },
  ];
  const schema = { type: "record", name: "visits", namespace: "shop", fields };
  const contract = parseContract({ formatVersion: 1, name: "shop.visits", schema, merge: { kind: "none" } });
  await world.rooms.registry.apply(contract);
  const big = "100000000000000000000";
  const body = (async function* () {
    yield Buffer.from(`{"id":"a","weight":${big},"count":9007199254740993,"part":{"sizes":[null,{"x":${big},"y":null}]}}\n`);
  })();
  await world.rooms.ingest.accept({ dataset: contract.name, format: "ndjson", encoding: "identity", body, invalid: "inbox", atomic: false });
  const expression = { selection: { all: true }, transform: "merge(record, {'id': 'b'})" } as const;
  const [entry] = await world.inbox.entries(contract.name, { selection: { all: true }, limit: 1 });
  const record = { id: "c", mass: BigInt(big), count: 9007199254740993n, part: { sizes: [{ x: BigInt(big) }] } };
  for (const fix of [expression, { records: [{ id: entry!.id, record }] }]) {
    const preview = await world.inbox.preview(contract.name, fix);
    assert.deepEqual([preview.accepted, preview.reasons], [1, []]);
  }
  const unknown = { ...record, mass: 10n ** 400n };
  const [reason] = (await world.inbox.preview(contract.name, { records: [{ id: entry!.id, record: unknown }] })).reasons;
  assert.deepEqual([reason?.code, reason?.received], ["inbox.transformFailed", "mass is Infinity, which JSON cannot hold."]);
  assert.equal((await world.inbox.retry(contract.name, expression)).accepted, 1);
  const [sent] = await readRecords(world.rooms, contract.name);
  assert.deepEqual(sent, { id: "b", mass: 1e20, count: "9007199254740993", part: { sizes: [null, { x: 1e20, y: null }] } });
});

test("what waits for a closed dataset can be looked at and dropped", async () => {
  await using world = await openWorld();
  await world.quarantine("{}");
  const { registry, ingest } = world.rooms;
  const { schema, ...rest } = formatContract(orders);
  await registry.apply(parseContract({ ...rest, name: "shop.orders2", schema: { ...(schema as object), name: "orders2" }, predecessor: name }));
  await ingest.close(name);
  const selection = { all: true } as const;
  await assert.rejects(world.inbox.retry(name, { selection }), { code: "ingest.datasetClosed" });
  await assert.rejects(world.inbox.preview(name, { selection }), { code: "ingest.datasetClosed" });
  await assert.rejects(
    ingest.whileOpen(name, () => assert.fail("appended")),
    { code: "ingest.datasetClosed" },
  );
  assert.deepEqual(await world.inbox.drop(name, { selection, reason: "of no use" }), { dropped: 1 });
});

test("adds nothing when a retry is repeated after its settlement was lost", async () => {
  await using world = await openWorld();
  await world.quarantine(...Array.from({ length: 100 }, (_, index) => JSON.stringify({ ...good, orderId: `o${index}`, total: 1 })));
  const transform = "without(record, ['total'])";
  const { rooms } = world;
  const lost = new Error("the process dies here");
  // The door's appends go on; the settlement's does not come to the log.
  await assert.rejects(dyingInbox(rooms, lost).retry(name, { selection: { all: true }, transform }), lost);
  const afterCrash = await world.count();
  assert.ok(afterCrash > 0);
  assert.equal((await world.inbox.retry(name, { selection: { all: true }, transform: "merge(without(record, ['total']), {'note': 'mended'})" })).accepted, 100);
  assert.equal(await world.count(), 100);
  assert.equal((await world.inbox.groups(name)).entries, 0);
});

test("settles what was accepted, also where another entry could not be sent", async () => {
  await using world = await openWorld();
  await world.quarantine(...Array.from({ length: 8 }, (_, index) => JSON.stringify({ ...good, orderId: `o${index}`, total: 1 })));
  const { rooms } = world;
  const full = new Error("the log is full");
  let sent = 0;
  const accept: typeof rooms.ingest.accept = (request, options) => (++sent === 3 ? Promise.reject(full) : rooms.ingest.accept(request, options));
  const fix = { selection: { all: true }, transform: "without(record, ['total'])" } as const;
  await assert.rejects(createInbox({ ...rooms, ingest: { ...rooms.ingest, accept } }).retry(name, fix), full);
  assert.deepEqual([(await world.inbox.groups(name)).entries, await world.count()], [1, 7]);
});

test("two retries of the same entries at the same time add nothing twice, and neither fails", async () => {
  await using world = await openWorld();
  await world.quarantine(...Array.from({ length: 100 }, (_, index) => JSON.stringify({ ...good, orderId: `o${index}`, total: 1 })));
  const fix = { selection: { all: true }, transform: "without(record, ['total'])" } as const;
  const outcomes = await Promise.all([world.inbox.retry(name, fix), world.inbox.retry(name, fix)]);
  assert.ok(outcomes.every(({ reasons }) => reasons.every(({ code }) => code === "ingest.keyBusy")));
  assert.deepEqual([(await world.inbox.groups(name)).entries, await world.count()], [0, 100]);
});

test("keeps an entry whose faults are larger than the door's answer may be", async () => {
  await using world = await openWorld();
  const map = { type: "map", values: { type: "array", items: "int" } };
  const fields = [
    { name: "id", type: "string" },
    { name: "counts", type: map },
  ];
  const schema = { type: "record", name: "counts", namespace: "shop", fields };
  const contract = parseContract({ name: "shop.counts", schema, key: ["id"], order: "log" });
  await world.rooms.registry.apply(contract);
  const record = { id: "a", counts: { ["n".repeat(800_000)]: Array.from({ length: 32 }, () => "none") } };
  const { ingest } = world.rooms;
  assert.equal((await ingest.accept(ask(toLines([record]), { dataset: contract.name, invalid: "inbox" }))).quarantined, 1);
  const outcome = await world.inbox.retry(contract.name, { selection: { all: true } });
  assert.deepEqual([outcome.accepted, outcome.refused, outcome.reasons[0]?.code], [0, 1, "record.invalid"]);
  assert.equal((await world.inbox.groups(contract.name)).entries, 1);
});

test("a preview sees, as a retry does, that what a fix makes is too large for the door", async () => {
  await using world = await openWorld();
  await world.quarantine(...["a", "b"].map((orderId) => JSON.stringify({ ...good, orderId, note: "n".repeat(200_000), total: 1 })));
  const transform = "merge(without(record, ['total']), {'note': record.orderId == 'a' ? record.note.replace('n', 'nnnnnnnn') : record.note})";
  const fix = { selection: { all: true }, transform } as const;
  for (const outcome of [await world.inbox.preview(name, fix), await world.inbox.retry(name, fix)])
    assert.deepEqual([outcome.accepted, outcome.refused, outcome.reasons[0]?.code], [1, 1, "record.tooLarge"]);
  assert.equal(await world.count(), 1);
});

test("retries what a table could not hold, and drops with a reason", async () => {
  await using world = await openWorld();
  const dataset = await world.rooms.registry.require(name);
  const { records, inbox: topic } = dataset.topics;
  await world.rooms.ingest.accept({
    dataset: name,
    format: "json",
    encoding: "identity",
    invalid: "refuse",
    atomic: false,
    body: (async function* () {
      yield Buffer.from(JSON.stringify(good));
    })(),
  });
  const from = { topic: records.name, topicId: records.id, partition: 0 as Partition, offset: 0 as Offset };
  for await (const batch of world.rooms.log.read(from, { until: "end", batchBytesMax: 1_000_000 })) {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      const record = { topicId: records.id, generation: 1, partition: from.partition, offset: cursor.offset, timestamp: 0, headers: [] };
      const unreadable = [cursor.value(), Buffer.from("?")].map((value, index) => ({
        ...record,
        offset: (cursor.offset + index) as Offset,
        key: cursor.key(),
        value,
        code: "table.valueRange",
        message: "a date beyond the year 9999",
      }));
      await putUnreadable(world.rooms.log, { inbox: topic, task: `table.${name}`, records: unreadable, contractVersion: 1, now: 0 });
    }
  }
  const retried = await world.inbox.retry(name, { selection: { all: true }, transform: "merge(record, {'revision': record.revision + 1})" });
  assert.deepEqual([retried.accepted, retried.refused, retried.reasons[0]?.code], [1, 1, "inbox.unreadable"]);
  await assert.rejects(world.inbox.drop(name, { selection: { all: true }, reason: " " }), { code: "inbox.reasonMissing" });
  assert.deepEqual(await world.inbox.drop(name, { selection: { all: true }, reason: "test data of a supplier" }), { dropped: 1 });
  assert.equal((await world.inbox.groups(name)).entries, 0);
});

test("refuses expressions that are not CEL, too large, or of no record", async () => {
  assert.throws(() => compileTransform("record."), { code: "inbox.transformInvalid" });
  assert.throws(() => compileTransform("nobody.knows"), { code: "inbox.transformInvalid" });
  assert.throws(() => compileTransform(`[${"1,".repeat(5_000)}1]`), { code: "inbox.transformInvalid" });
  assert.throws(() => compileTransform("record.missing")({}), { code: "inbox.transformFailed" });
  const replaced = compileTransform("merge(record, {'price': record.price.replace(',', '.'), 'note': record.note.replace('a', '$&')})");
  assert.equal(formatExact(replaced({ price: "1,5,0", note: "aba" })), '{"price":"1.5.0","note":"$&b$&"}');
  const renamed = compileTransform("rename(record, 'US Gross', 'us_gross')")(parseForTransform('{"US Gross":12345678901234567890,"x":[1,2.5,null]}'));
  assert.equal(formatExact(renamed), '{"us_gross":12345678901234567890,"x":[1,2.5,null]}');
});

test("patterns in expressions are judged before they are used, and end on every text", () => {
  const kinds = compileTransform("record.names.map(name, {'name': name, 'known': name.matches('^[a-z]+(-[a-z]+)*$') && !name.matches('^x')})");
  assert.equal(formatExact(kinds({ names: ["ab-c", "x-y", "A"] })), '[{"name":"ab-c","known":true},{"name":"x-y","known":false},{"name":"A","known":false}]');
  for (const [pattern, reason] of [
    ["'^(a+)+$'", /2\^N ways/],
    ["'('", /must be a regular expression/],
    ["record.pattern", /must be written out/],
    ["'a' + 'b'", /must be written out/],
  ] as const) {
    for (const text of ["record.name", "record.?name.orValue('')", "[record.name].filter(one, true)[0]"])
      assert.throws(() => compileTransform(`{'is': ${text}.matches(${pattern})}`), { code: "inbox.transformInvalid", message: reason });
  }
  assert.throws(() => compileTransform("{'is': 'x'.matches_bounded(record.name)}"), { code: "inbox.transformInvalid", message: /no such function/ });
  const many = Array.from({ length: 17 }, (_, index) => `record.name.matches('${index}')`);
  assert.throws(() => compileTransform(`{'is': [${many.join()}]}`), { code: "inbox.transformInvalid", message: /16 patterns/ });
  compileTransform(`{'is': [${many.slice(1).join()}, ${many[1]}]}`);
  const slow = compileTransform("{'is': record.name.matches('^.+@.+@.+$')}");
  assert.equal(formatExact(slow({ name: "a@b@c" })), '{"is":true}');
  assert.throws(() => slow({ name: "@".repeat(500) }), {
    code: "inbox.transformFailed",
    message: /500 characters is too long for this pattern, which takes 464/,
  });
  assert.throws(() => slow({ name: null }), { code: "inbox.transformFailed", message: /no matching overload for 'null\.matches\(string\)'/ });
  const raw = compileTransform("{'is': record.names.exists(matches, matches.matches(r'^\\d+$'))}");
  assert.deepEqual([raw({ names: ["a", "12"] }), raw({ names: ["a"] })], [{ is: true }, { is: false }]);
});

test("the searches of an expression in one record end, however many there are", () => {
  const find = compileTransform("{'found': record.texts.exists(text, text.matches('a*a*a*b'))}");
  const texts = (count: number) => ({ texts: Array(count).fill("a".repeat(100)) });
  assert.throws(() => find(texts(10_000)), { code: "inbox.transformFailed", message: /take more than 1000 ms together/ });
  assert.deepEqual(find({ texts: ["b"] }), { found: true }, "the next record has time of its own");
});
