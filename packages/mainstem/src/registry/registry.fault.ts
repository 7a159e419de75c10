import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaText, type Contract } from "@mainstem/contract";
import type { TopicName, TopicSpec } from "../log/index.ts";
import { parseObjectKey, readWhole } from "../objects/index.ts";
import type { Registry } from "./dataset.ts";
import { contractOf, createStores, type Stores } from "./testing/stores.ts";
import type { RegistryOptions } from "./registry.ts";

const first = contractOf("shop.a");
const second = contractOf("shop.a", { fields: ["x"] });
const other = contractOf("shop.b");
/** Of a subject that is no dataset's. */
const plain = ["string", "bytes"].map((schema) => ({ schema, references: [] }));

/** What a process does before it dies somewhere in it; every step is repeated after the restart. */
const steps: readonly ((registry: Registry, stores: Stores) => Promise<unknown>)[] = [
  (registry) => registry.apply(first),
  (registry) => registry.apply(second),
  (registry) => registry.apply(other),
  ...plain.map((submitted) => (registry: Registry) => registry.subjects.register("plain", submitted)),
  (registry) => registry.subjects.settings.setLevel("plain", "FULL"),
  (registry) => registry.subjects.removeVersion("plain", "latest"),
  // The topic is lost, and found to be by opening.
  async (_registry, stores) => {
    const topic = await stores.log.describeTopic("shop.a" as TopicName);
    if (topic !== undefined) await stores.log.deleteTopic(topic.name, topic.id);
  },
];

test("a crash before or after any write is healed by opening and applying again", async () => {
  const writes = await countWrites();
  assert.ok(writes > 20, `only ${writes} writes were found`);
  for (let at = 1; at <= writes; at += 1) {
    for (const moment of ["before", "after"] as const) {
      await using stores = await createStores();
      const crash = createCrash({ at, moment });
      await assert.rejects(live(stores, crash), Crash, `write ${at} of ${writes}`);
      await checkHealed(stores, `a crash ${moment} write ${at} of ${writes}`);
    }
  }
});

class Crash extends Error {}

interface CrashPlan {
  /** The write at which the process dies, from 1. */
  readonly at: number;
  /** `after`: the write happened, but nobody was told. */
  readonly moment: "before" | "after";
}

/** Counts writes; from the planned one on every call fails, as in a process that is dead. */
function createCrash(plan: CrashPlan) {
  let count = 0;
  return {
    get count() {
      return count;
    },
    async write<T>(work: () => Promise<T>): Promise<T> {
      count += 1;
      if (count > plan.at || (count === plan.at && plan.moment === "before")) throw new Crash();
      const result = await work();
      if (count === plan.at) throw new Crash();
      return result;
    },
  };
}

/** The stores as the process sees them that will die. */
function mortal({ state, log, objects }: Stores, crash: ReturnType<typeof createCrash>): Pick<RegistryOptions, "state" | "log" | "objects"> {
  return {
    state: { ...state, definitions: { ...state.definitions, put: (next, expected) => crash.write(() => state.definitions.put(next, expected)) } },
    log: new Proxy(log, {
      get(target, name) {
        // Only those that make a topic: the others write nothing.
        if (name === "createTopic")
          return async (spec: TopicSpec) =>
            (await target.describeTopic(spec.name)) === undefined ? await crash.write(() => target.createTopic(spec)) : await target.createTopic(spec);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    }),
    objects: new Proxy(objects, {
      get(target, name) {
        if (name === "put") return (...args: Parameters<typeof objects.put>) => crash.write(() => target.put(...args));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    }),
  };
}

async function live(stores: Stores, crash: ReturnType<typeof createCrash>): Promise<void> {
  for (const step of steps) {
    await using registry = await stores.open(mortal(stores, crash));
    await step(registry, stores);
  }
  const last = await stores.open(mortal(stores, crash));
  await last[Symbol.asyncDispose]();
}

async function countWrites(): Promise<number> {
  await using stores = await createStores();
  const crash = createCrash({ at: Infinity, moment: "before" });
  await live(stores, crash);
  return crash.count;
}

async function checkHealed(stores: Stores, when: string): Promise<void> {
  {
    await using registry = await stores.open();
    await checkObjects(stores, `${when}, after opening`);
    for (const { topics, generations } of await registry.list()) assert.equal(generations.at(-1)?.topicId, topics.records.id);
    // A process that had the second contract applied would not apply the first again.
    const known = await registry.get("shop.a");
    if (known === undefined) await registry.apply(first);
    await registry.apply(second);
    await registry.apply(other);
    for (const submitted of plain) await registry.subjects.register("plain", submitted);
  }
  await using registry = await stores.open();
  await checkObjects(stores, when);
  await checkSchemas(stores, [first, second, other], when);
  const versions = (await registry.subjects.versions("plain", { deleted: true })).map(({ version }) => version);
  assert.deepEqual(
    versions,
    versions.map((_, index) => index + 1),
    when,
  );
  const a = await registry.require("shop.a");
  assert.deepEqual(a.contract, second, when);
  assert.deepEqual((await registry.require("shop.b")).contract, other, when);
  assert.equal(new Set(a.generations.map(({ topicId }) => topicId)).size, a.generations.length);
  for (const topic of Object.values(a.topics)) assert.deepEqual(await stores.log.describeTopic(topic.name), topic, when);
  const texts = (await registry.history("shop.a")).map(({ contract }) => contract.schema.fields.length);
  assert.deepEqual(
    texts.toSorted((one, two) => one - two),
    texts,
    `${when}: no version goes back to an older contract`,
  );
}

/** The objects are the state's definitions, all of them and no others. */
async function checkObjects({ state, objects }: Stores, when: string): Promise<void> {
  const expected = new Map<string, unknown>();
  for (const kind of ["dataset", "schema", "subject", "subject-config"]) {
    for (const { name } of await state.definitions.list(kind)) {
      for (const one of await state.definitions.history(kind, name))
        expected.set(`definitions/${kind}/${name}/${one.version}.json`, { formatVersion: 1, ...one });
    }
  }
  const found = new Map<string, unknown>();
  for await (const { key } of objects.list("definitions/"))
    found.set(key, JSON.parse((await readWhole(objects, parseObjectKey(key), { bytesMax: 1_000_000 })).toString()));
  assert.deepEqual(found, expected, when);
}

/** Ids have no gaps, no schema has two, and no id went to a schema that nobody declared. */
async function checkSchemas({ state }: Stores, contracts: readonly Contract[], when: string): Promise<void> {
  const schemas = await state.definitions.list("schema");
  const texts = schemas.map(({ spec }) => JSON.stringify((spec as { readonly schema: unknown }).schema));
  const numbers = schemas.map(({ name }) => Number(name)).sort((a, b) => a - b);
  assert.deepEqual(numbers, [1, 2, 3, 4, 5], when);
  assert.deepEqual(new Set(texts), new Set([...contracts.map(({ schema }) => schemaText(schema)), ...plain.map(({ schema }) => JSON.stringify(schema))]), when);
}
