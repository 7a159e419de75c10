import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Acquired, Fence, StateStore, Version } from "./state.ts";

/** An empty state, which several stores can be opened on. */
export interface StateUnderTest extends AsyncDisposable {
  /** Called twice, it opens the same state again, as another process would. */
  open(): Promise<StateStore>;
  /** Moves the store's clock. */
  advance(ms: number): void;
}
type Create = () => Promise<StateUnderTest>;

/** What every driver of the state promises. */
export function testStateStore(name: string, create: Create): void {
  describe(`${name} as a state store`, () => {
    testDefinitions(create);
    testPointers(create);
    testLeases(create);
    testFences(create);
    testConcurrency(create);
    testEnding(create);
  });
}

/** Names that a careless query or order would trip over. */
const oddNames = ["", "'; drop table definitions; --", '"quoted"', "a%b_c", "\u{1f600}", "\u{fffd}", "Zebra", "zebra", "a.b", "a-b", "x".repeat(5_000)];

function testDefinitions(create: Create): void {
  test("a definition counts its versions from 1 and keeps them all", async () => {
    await using state = await create();
    await using store = await state.open();
    const { definitions } = store;
    assert.equal(await definitions.get("dataset", "shop.orders"), undefined);
    assert.deepEqual(await definitions.history("dataset", "shop.orders"), []);
    const first = await definitions.put({ kind: "dataset", name: "shop.orders", spec: { a: 1 }, appliedAt: 10 }, "absent");
    assert.deepEqual(first, { kind: "committed", value: { kind: "dataset", name: "shop.orders", version: 1, spec: { a: 1 }, appliedAt: 10 } });
    const second = await definitions.put({ kind: "dataset", name: "shop.orders", spec: { a: 2 }, appliedAt: 5 }, version(1));
    assert.equal(second.kind, "committed");
    const current = { kind: "dataset", name: "shop.orders", version: 2, spec: { a: 2 }, appliedAt: 5 };
    assert.deepEqual(await definitions.get("dataset", "shop.orders"), current);
    assert.deepEqual(
      (await definitions.history("dataset", "shop.orders")).map(({ version: of, spec }) => [of, spec]),
      [
        [1, { a: 1 }],
        [2, { a: 2 }],
      ],
    );
    assert.deepEqual(await definitions.list("dataset"), [current]);
  });

  test("a definition changes only from the version that was expected", async () => {
    await using state = await create();
    await using store = await state.open();
    const put = (spec: unknown, expected: Version | "absent") => store.definitions.put({ kind: "k", name: "n", spec, appliedAt: 0 }, expected);
    assert.deepEqual(await put("early", version(1)), { kind: "conflict", winner: undefined });
    await put("one", "absent");
    await put("two", version(1));
    for (const expected of ["absent", version(1), version(3), version(0)] as const) {
      const outcome = await put("late", expected);
      assert.equal(outcome.kind, "conflict");
      assert.equal(outcome.kind === "conflict" && outcome.winner?.spec, "two");
    }
    assert.equal((await store.definitions.history("k", "n")).length, 2);
  });

  test("kinds and names are apart, whatever they contain, and lists are in the order of bytes", async () => {
    await using state = await create();
    await using store = await state.open();
    for (const kind of ["dataset", "schema"]) {
      for (const name of oddNames) await store.definitions.put({ kind, name, spec: `${kind} ${name}`, appliedAt: 0 }, "absent");
    }
    const sorted = [...oddNames].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(
      (await store.definitions.list("dataset")).map((one) => one.name),
      sorted,
    );
    for (const name of oddNames) assert.equal((await store.definitions.get("schema", name))?.spec, `schema ${name}`);
    assert.deepEqual(await store.definitions.list("Dataset"), []);
  });

  test("a specification is any JSON and comes back as it was", async () => {
    await using state = await create();
    await using store = await state.open();
    const specs = [
      null,
      false,
      0,
      1.5e300,
      "",
      "\u{1f600}\u0000\u2028",
      [],
      {},
      { deep: [[{ "": [null, { __proto__x: 1 }] }]] },
      2n ** 53n,
      [-(2n ** 63n)],
      "long ".repeat(100_000),
    ];
    for (const [index, spec] of specs.entries()) {
      await store.definitions.put({ kind: "k", name: String(index), spec, appliedAt: Date.now() }, "absent");
      assert.deepEqual((await store.definitions.get("k", String(index)))?.spec, spec);
    }
  });
}

function testPointers(create: Create): void {
  test("a pointer changes only from the version that was expected", async () => {
    await using state = await create();
    await using store = await state.open();
    const { pointers } = store;
    assert.equal(await pointers.get("table/shop.orders"), undefined);
    assert.deepEqual(await pointers.swap("table/shop.orders", { expected: version(1), value: "x" }), { kind: "conflict", winner: undefined });
    const first = { name: "table/shop.orders", version: 1, value: "metadata/1.json" };
    assert.deepEqual(await pointers.swap(first.name, { expected: "absent", value: first.value }), { kind: "committed", value: first });
    assert.deepEqual(await pointers.swap(first.name, { expected: "absent", value: "other" }), { kind: "conflict", winner: first });
    assert.deepEqual(await pointers.swap(first.name, { expected: version(2), value: "other" }), { kind: "conflict", winner: first });
    const second = { name: "table/shop.orders", version: 2, value: "metadata/2.json" };
    assert.deepEqual(await pointers.swap(first.name, { expected: version(1), value: second.value }), { kind: "committed", value: second });
    assert.deepEqual(await pointers.get(first.name), second);
    assert.equal(await pointers.get("table/shop.order"), undefined);
  });

  test("pointers have any name", async () => {
    await using state = await create();
    await using store = await state.open();
    for (const name of oddNames) await store.pointers.swap(name, { expected: "absent", value: name });
    for (const name of oddNames) assert.equal((await store.pointers.get(name))?.value, name);
  });
}

function testLeases(create: Create): void {
  test("a lease has one holder at a time, until it is released or ends by the store's clock", async () => {
    await using state = await create();
    await using store = await state.open();
    await using other = await state.open();
    const first = held(await store.leases.acquire("task", { owner: "a", ttlMs: 1_000 }));
    assert.deepEqual(await other.leases.acquire("task", { owner: "b", ttlMs: 1_000 }), { kind: "taken", by: "a" });
    assert.equal((await other.leases.acquire("another task", { owner: "b", ttlMs: 1_000 })).kind, "held");
    state.advance(999);
    assert.equal((await other.leases.acquire("task", { owner: "b", ttlMs: 1_000 })).kind, "taken");
    assert.equal(await store.leases.renew(first, { ttlMs: 1_000 }), true);
    state.advance(999);
    assert.equal((await other.leases.acquire("task", { owner: "b", ttlMs: 1_000 })).kind, "taken");
    state.advance(1);
    const second = held(await other.leases.acquire("task", { owner: "b", ttlMs: 1_000 }));
    assert.ok(second.token > first.token);
    assert.equal(await store.leases.renew(first, { ttlMs: 1_000 }), false);
    await store.leases.release(first);
    assert.equal((await store.leases.acquire("task", { owner: "a", ttlMs: 1_000 })).kind, "taken", "the release of a lost lease changes nothing");
    await other.leases.release(second);
    const third = held(await store.leases.acquire("task", { owner: "a", ttlMs: 1_000 }));
    assert.ok(third.token > second.token);
  });

  test("a lease of a holder that is gone holds up nobody for as long as the store's clock went back", async () => {
    await using state = await create();
    await using store = await state.open();
    const gone = held(await store.leases.acquire("task", { owner: "a", ttlMs: 1_000 }));
    const alive = held(await store.leases.acquire("another task", { owner: "a", ttlMs: 1_000 }));
    state.advance(-86_400_000);
    assert.equal(await store.leases.renew(alive, { ttlMs: 1_000 }), true);
    assert.equal((await store.leases.acquire("another task", { owner: "b", ttlMs: 1_000 })).kind, "taken");
    const taken = held(await store.leases.acquire("task", { owner: "b", ttlMs: 1_000 }));
    assert.ok(taken.token > gone.token);
    assert.equal(await store.leases.renew(gone, { ttlMs: 1_000 }), false);
  });

  test("a lease that has ended cannot be renewed, only taken anew", async () => {
    await using state = await create();
    await using store = await state.open();
    const fence = held(await store.leases.acquire("task", { owner: "a", ttlMs: 10 }));
    state.advance(10);
    assert.equal(await store.leases.renew(fence, { ttlMs: 10 }), false);
    const released = held(await store.leases.acquire("task", { owner: "a", ttlMs: 10 }));
    await store.leases.release(released);
    assert.equal(await store.leases.renew(released, { ttlMs: 10 }), false);
  });

  test("an owner that comes back takes its own lease over, and its older self is out", async () => {
    await using state = await create();
    await using store = await state.open();
    const old = held(await store.leases.acquire("task", { owner: "a", ttlMs: 1_000 }));
    const fresh = held(await store.leases.acquire("task", { owner: "a", ttlMs: 1_000 }));
    assert.ok(fresh.token > old.token);
    assert.equal(await store.leases.renew(old, { ttlMs: 1_000 }), false);
    assert.equal(await store.leases.renew(fresh, { ttlMs: 1_000 }), true);
  });

  test("tokens grow for ever, through releases, ends and restarts", async () => {
    await using state = await create();
    let last = 0;
    for (let round = 0; round < 12; round += 1) {
      await using store = await state.open();
      const fence = held(await store.leases.acquire("task", { owner: `owner ${round % 5}`, ttlMs: 100 }));
      assert.ok(fence.token > last);
      last = fence.token;
      if (round % 2 === 0) await store.leases.release(fence);
      else state.advance(100);
    }
  });
}

function testFences(create: Create): void {
  test("a checkpoint is stored only while the lease is held", async () => {
    await using state = await create();
    await using store = await state.open();
    const { checkpoints, leases } = store;
    assert.equal(await checkpoints.get("t"), undefined);
    const old = held(await leases.acquire("t", { owner: "a", ttlMs: 100 }));
    assert.deepEqual(await checkpoints.put("t", { value: { offset: 1 } }, old), { kind: "stored" });
    state.advance(100);
    assert.deepEqual(await checkpoints.put("t", { value: { offset: 2 } }, old), { kind: "fenced" }, "after its end, though nobody else has it");
    const fresh = held(await leases.acquire("t", { owner: "b", ttlMs: 100 }));
    assert.deepEqual(await checkpoints.put("t", { value: { offset: 3 } }, fresh), { kind: "stored" });
    assert.deepEqual(await checkpoints.put("t", { value: { offset: 2 } }, old), { kind: "fenced" });
    for (const forged of [
      { ...fresh, owner: "a" },
      { ...fresh, name: "u" },
      { ...fresh, token: fresh.token + 1 },
    ])
      assert.deepEqual(await checkpoints.put("t", { value: null }, forged), { kind: "fenced" });
    await leases.release(fresh);
    assert.deepEqual(await checkpoints.put("t", { value: { offset: 4 } }, fresh), { kind: "fenced" });
    assert.deepEqual(await checkpoints.get("t"), { value: { offset: 3 } });
  });

  test("a pointer with a fence moves only while the lease is held", async () => {
    await using state = await create();
    await using store = await state.open();
    const fence = held(await store.leases.acquire("t", { owner: "a", ttlMs: 100 }));
    assert.equal((await store.pointers.swap("p", { expected: "absent", value: "1", fence })).kind, "committed");
    assert.equal((await store.pointers.swap("p", { expected: "absent", value: "1", fence })).kind, "conflict");
    state.advance(100);
    assert.deepEqual(await store.pointers.swap("p", { expected: version(1), value: "2", fence }), { kind: "fenced" });
    assert.equal((await store.pointers.get("p"))?.value, "1");
    assert.equal((await store.pointers.swap("p", { expected: version(1), value: "2" })).kind, "committed");
  });
}

function testConcurrency(create: Create): void {
  test("of concurrent changes with one expectation exactly one commits, and the others see it", async () => {
    await using state = await create();
    await using store = await state.open();
    await using other = await state.open();
    for (let round = 0; round < 5; round += 1) {
      const expected = round === 0 ? "absent" : version(round);
      const swaps = await all(12, (index) => (index % 2 === 0 ? store : other).pointers.swap("p", { expected, value: `${round}.${index}` }));
      const puts = await all(12, (index) =>
        (index % 2 === 0 ? store : other).definitions.put({ kind: "k", name: "n", spec: `${round}.${index}`, appliedAt: 0 }, expected),
      );
      for (const outcomes of [swaps, puts]) assert.equal(outcomes.filter((one) => one.kind === "committed").length, 1);
      const value = (await other.pointers.get("p"))?.value;
      for (const one of swaps) assert.equal(one.kind === "committed" ? one.value.value : one.kind === "conflict" && one.winner?.value, value);
      const spec = (await store.definitions.get("k", "n"))?.spec;
      for (const one of puts) assert.equal(one.kind === "committed" ? one.value.spec : one.winner?.spec, spec);
    }
    assert.equal((await store.pointers.get("p"))?.version, 5);
    assert.equal((await store.definitions.history("k", "n")).length, 5);
  });

  test("counting by compare-and-swap from two stores loses no step", async () => {
    await using state = await create();
    await using store = await state.open();
    await using other = await state.open();
    await all(6, async (index) => {
      const own = index % 2 === 0 ? store : other;
      for (let step = 0; step < 8;) {
        const current = await own.pointers.get("count");
        const next = String(Number(current?.value ?? 0) + 1);
        const swap = await own.pointers.swap("count", { expected: current?.version ?? "absent", value: next });
        if (swap.kind === "committed") step += 1;
      }
    });
    assert.equal((await store.pointers.get("count"))?.value, "48");
  });

  test("of concurrent owners exactly one gets a lease", async () => {
    await using state = await create();
    await using store = await state.open();
    await using other = await state.open();
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await all(8, (index) => (index % 2 === 0 ? store : other).leases.acquire("t", { owner: `${round}.${index}`, ttlMs: 100 }));
      assert.equal(outcomes.filter((one) => one.kind === "held").length, 1);
      state.advance(100);
    }
  });

  test("what one store wrote, another reads at once", async () => {
    await using state = await create();
    await using store = await state.open();
    await using other = await state.open();
    for (let round = 1; round <= 20; round += 1) {
      await store.pointers.swap("p", { expected: round === 1 ? "absent" : version(round - 1), value: String(round) });
      assert.equal((await other.pointers.get("p"))?.value, String(round));
    }
  });
}

function testEnding(create: Create): void {
  test("after closing everything is refused, closing twice is fine, and what was written is there", async () => {
    await using state = await create();
    const store = await state.open();
    const swap = store.pointers.swap("p", { expected: "absent", value: "1" });
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    assert.equal((await swap).kind, "committed");
    const closed = { code: "resource.closed" };
    const fence: Fence = { name: "t", owner: "a", token: 1 };
    await assert.rejects(store.pointers.get("p"), closed);
    await assert.rejects(store.pointers.swap("p", { expected: "absent", value: "1" }), closed);
    await assert.rejects(store.definitions.list("k"), closed);
    await assert.rejects(store.definitions.put({ kind: "k", name: "n", spec: 1, appliedAt: 0 }, "absent"), closed);
    await assert.rejects(store.checkpoints.put("t", { value: 1 }, fence), closed);
    await assert.rejects(store.leases.acquire("t", { owner: "a", ttlMs: 1 }), closed);
    await using again = await state.open();
    assert.equal((await again.pointers.get("p"))?.value, "1");
  });
}

function version(number: number): Version {
  return number as Version;
}

function held(acquired: Acquired): Fence {
  assert.ok(acquired.kind === "held", `taken by ${acquired.kind === "taken" ? acquired.by : ""}`);
  return acquired.fence;
}

async function all<T>(count: number, work: (index: number) => Promise<T>): Promise<readonly T[]> {
  return await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}
