import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { toSchemaJson, type Contract } from "@mainstem/contract";
import fc from "fast-check";
import { openSqliteState } from "../state/sqlite/store.ts";
import type { Registry } from "./dataset.ts";
import type { SubjectVersion } from "./subject.ts";
import { contractOf, createStores } from "./testing/stores.ts";

const dataset = "shop.orders";
/** Each has one optional field more than the one before, so that any may follow any but for the dataset, which keeps what it has. */
const contracts = [[], ["a"], ["a", "b"], ["a", "b", "c"]].map((fields) => contractOf(dataset, { fields }));

type Step =
  | { readonly kind: "register"; readonly registry: 0 | 1; readonly subject: string; readonly contract: number }
  | { readonly kind: "apply"; readonly registry: 0 | 1; readonly contract: number }
  | { readonly kind: "delete"; readonly registry: 0 | 1; readonly subject: string };

const registry = fc.constantFrom(0 as const, 1 as const);
const contract = fc.nat({ max: contracts.length - 1 });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("register" as const), registry, subject: fc.constantFrom("p", "q", `${dataset}-value`), contract }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("apply" as const), registry, contract }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), registry, subject: fc.constantFrom("p", "q") }) },
  ),
  { minLength: 2, maxLength: 24 },
);

test("registrations at once, in two processes, give each schema one id and each subject whole numbers", async () => {
  const started = performance.now();
  const seconds = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? "5");
  await fc.assert(fc.asyncProperty(steps, runAtOnce), {
    interruptAfterTimeLimit: seconds * 1_000 - (performance.now() - started),
    numRuns: 1_000_000,
  });
});

async function runAtOnce(story: readonly Step[]): Promise<void> {
  await using stores = await createStores();
  await using other = await openSqliteState({ file: join(stores.directory, "state.sqlite") });
  await using one = await stores.open();
  await using two = await stores.open({ state: other });
  const registries = [one, two] as const;

  const settled = await Promise.allSettled(story.map((step) => run(registries[step.registry], step)));
  const given = settled.flatMap((result, index) => {
    if (result.status === "fulfilled") return result.value === undefined ? [] : [result.value];
    checkRefusal(result.reason, story[index]);
    return [];
  });

  const all = await one.subjects.all({ deleted: true });
  assert.deepEqual(await two.subjects.all({ deleted: true }), all, "both see the same");
  await using late = await stores.open();
  assert.deepEqual(await late.subjects.all({ deleted: true }), all, "and so does who comes later");

  const ids = new Map<string, number>();
  for (const { schema, id } of [...given, ...all]) {
    assert.equal(ids.get(schema) ?? id, id, "one schema has one id");
    ids.set(schema, id);
  }
  assert.equal(new Set(ids.values()).size, ids.size, "one id has one schema");
  const names = (await stores.state.definitions.list("schema")).map(({ name }) => Number(name)).toSorted((a, b) => a - b);
  assert.deepEqual(
    names,
    names.map((_, index) => index + 1),
    "ids have no gaps",
  );
  for (const answer of given) {
    const kept = all.find(({ subject, version }) => subject === answer.subject && version === answer.version);
    assert.deepEqual({ ...kept, deleted: false }, answer, "what was answered stays so");
  }
  await checkSubjects(one, all);
}

/** The numbers of each subject's versions have no gaps, and no schema is there twice but where it was deleted between. */
async function checkSubjects({ subjects }: Registry, all: readonly SubjectVersion[]): Promise<void> {
  for (const name of new Set(all.map(({ subject }) => subject))) {
    const versions = await subjects.versions(name, { deleted: true });
    assert.deepEqual(
      versions.map(({ version }) => version),
      versions.map((_, index) => index + 1),
    );
    const live = versions.filter(({ deleted }) => !deleted).map(({ id }) => id);
    assert.equal(new Set(live).size, live.length);
  }
}

async function run(within: Registry, step: Step): Promise<SubjectVersion | undefined> {
  const { subjects } = within;
  switch (step.kind) {
    case "register":
      return await subjects.register(step.subject, { schema: toSchemaJson(contractAt(step.contract).schema), references: [] });
    case "delete":
      await subjects.remove(step.subject);
      return undefined;
    case "apply":
      await within.apply(contractAt(step.contract));
      return undefined;
    default:
      return step satisfies never;
  }
}

function contractAt(index: number): Contract {
  const found = contracts[index];
  assert.ok(found !== undefined);
  return found;
}

function checkRefusal(error: unknown, step: Step | undefined): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const expected = step?.kind === "delete" ? ["registry.subjectUnknown", "registry.subjectDeleted"] : ["contract.incompatible"];
  assert.ok(expected.includes(code), `${JSON.stringify(step)} failed: ${String(error)}`);
}
