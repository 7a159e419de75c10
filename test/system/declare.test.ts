// Declaring datasets from outside: in every form, before and on a deploy, and from a service's own code.
import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseContract } from "@mainstem/contract";
import { applyDatasets } from "mainstem";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { runCommand, type Ended } from "./command-line.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

const contract = {
  name: "shop.orders",
  description: "Orders.",
  owner: "checkout",
  schema: {
    type: "record",
    name: "orders",
    namespace: "shop",
    fields: [
      { name: "id", type: "string" },
      { name: "revision", type: "long" },
      { name: "placedAt", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "email", type: ["null", "string"], default: null, pii: true },
    ],
  },
  key: ["id"],
  order: ["revision"],
  partition: [{ field: "placedAt", transform: "day" }],
  checks: [
    { kind: "sum", field: "revision" },
    { kind: "freshness", within: "15m" },
  ],
};
const grown = {
  ...contract,
  schema: {
    ...contract.schema,
    fields: [...contract.schema.fields, { name: "channel", type: "string", default: "web" }, { name: "coupon", type: ["null", "string"], default: null }],
  },
};

describe("declaring", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let platform: RunningPlatform;
  before(async () => {
    folder = await temporaryFolder();
    // A module finds its packages from where it lies.
    await symlink(fileURLToPath(new URL("../../node_modules", import.meta.url)), join(folder.path, "node_modules"));
    platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" } });
  });
  after(async () => {
    await platform?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const run = (args: readonly string[], { input = "" } = {}): Promise<Ended> =>
    runCommand(args, { cwd: folder.path, env: { MAINSTEM_SERVER: platform.url }, input });
  const write = (name: string, value: unknown): Promise<void> => writeFile(join(folder.path, name), typeof value === "string" ? value : JSON.stringify(value));
  const untilRows = async (count: number, dataset = "shop.orders"): Promise<void> => {
    const look = async (): Promise<boolean> => {
      const { output } = await run(["query", `SELECT count(*) AS n FROM ${dataset}`, "--json"]);
      return output !== "" && (JSON.parse(output) as { readonly n: number }).n >= count;
    };
    await until(`${count} rows of ${dataset} are in the table`, look, { everyMs: 200 });
  };

  test("is checked in CI, applied on deploy with the commit, and planned before it changes", async () => {
    await write("orders.json", contract);
    const pending = await run(["apply", "--check", "orders.json"]);
    assert.deepEqual([pending.code, pending.output.split("\n")[0]], [1, "created   shop.orders"]);
    assert.equal((await run(["datasets", "--json"])).output, "", "nothing was changed");
    assert.equal((await run(["apply", "orders.json", "--provenance", "commit 1f"])).output, "created   shop.orders  version 1\n");
    const done = await run(["apply", "--check", "orders.json"]);
    assert.deepEqual([done.code, done.errors], [0, ""]);

    await run(["send", "shop.orders"], {
      input: '{"id":"a","revision":1,"placedAt":"2026-11-21T10:00:00Z"}\n{"id":"b","revision":1,"placedAt":"2026-11-21T11:00:00Z"}\n',
    });
    await untilRows(2);
    await write("grown.json", grown);
    const plan = await run(["plan", "grown.json"]);
    assert.equal(plan.code, 0);
    assert.match(plan.output, /^changed +shop\.orders +version 1\n +field channel added\n +field coupon added\n/);
    assert.match(plan.output, /^ +table +\d files? \(2 rows, .*\) (are|is) written again, because a default that is not null is filled in$/m);
    assert.match(plan.output, /^ +channel is "web" in rows that are there\n +coupon is null in rows that are there$/m);
    assert.match(plan.output, /^ +owner +checkout$/m);
    assert.equal((await run(["apply", "grown.json", "--provenance", "commit 2e"])).code, 0);

    await write("narrowed.json", { ...grown, schema: { ...grown.schema, fields: grown.schema.fields.filter(({ name }) => name !== "coupon") } });
    const refused = await run(["apply", "--check", "narrowed.json"]);
    assert.equal(refused.code, 1);
    assert.match(refused.output, /^refused +shop\.orders +version 2\n +schema\.coupon: .*gone/);
    assert.equal((await run(["plan", "narrowed.json"])).code, 1);
    const [first, second, ...rest] = (await run(["describe", "shop.orders", "--history", "--json"])).output.trim().split("\n");
    assert.equal(rest.length, 0);
    assert.match(first ?? "", /"version":1,.*"provenance":"commit 1f"/);
    assert.match(second ?? "", /"version":2,.*"provenance":"commit 2e"/);
    assert.match((await run(["describe", "shop.orders", "--history"])).output, /^version +applied +schema +changes +from\n +1 .*commit 1f\n +2 .*commit 2e\n$/);
  });

  test("every form that is exported is applied as the same contract", async () => {
    for (const [form, file] of [
      ["json", "out.json"],
      ["yaml", "out.yaml"],
      ["odcs", "out.odcs.yaml"],
      ["typescript", "out.ts"],
    ] as const) {
      assert.equal((await run(["export", "shop.orders", "--format", form, "--out", file])).output, `wrote ${file}\n`);
      const applied = await run(["apply", file]);
      assert.deepEqual([applied.code, applied.output, applied.errors], [0, "unchanged shop.orders  version 2\n", ""], form);
    }
    await run(["export", "shop.orders", "--format", "avsc", "--out", "orders.avsc"]);
    const { schema: _, ...rest } = contract;
    await write("beside.json", { ...rest, schema: "./orders.avsc" });
    assert.equal((await run(["apply", "beside.json"])).output, "unchanged shop.orders  version 2\n");
    await mkdir(join(folder.path, "schemas"));
    for (const [name, path] of [
      ["both.yaml", "./schemas/both.avsc"],
      ["schemas/both.json", "./both.avsc"],
    ] as const) {
      const written = await run(["export", "shop.orders", "--format", name.split(".")[1]!, "--out", name, "--schema", "schemas/both.avsc"]);
      assert.equal(written.output, `wrote schemas/both.avsc\nwrote ${name}\n`);
      assert.ok((await readFile(join(folder.path, name), "utf8")).includes(path), "named from where the contract lies");
      assert.equal((await run(["apply", name])).output, "unchanged shop.orders  version 2\n");
    }
    const wrong = await run(["export", "shop.orders", "--format", "odcs", "--schema", "orders.avsc"]);
    assert.deepEqual([wrong.code, /--format yaml or json/.test(wrong.errors)], [2, true]);
    assert.match((await run(["export", "shop.orders", "--format", "toml"])).errors, /json, yaml, avsc, odcs, typescript/);
    const converted = await run(["convert", "out.odcs.yaml", "--format", "yaml"]);
    assert.equal(converted.output, await readFile(join(folder.path, "out.yaml"), "utf8"));
  });

  test("a default beyond 2^53 is exact in every form, in plans, and in rows", async () => {
    const fields = '{"name":"id","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}';
    const declared = (more: string): string =>
      `{"name":"shop.far","schema":{"type":"record","name":"far","namespace":"shop","fields":[${fields}${more}]},"key":["id"],"order":["at"]}`;
    const last = ',{"name":"last","type":"long","default":9223372036854775807}';
    const more = `${last},{"name":"least","type":"long","default":-9223372036854775808,"x-odd":18446744073709551615}`;
    await write("far.json", declared(last));
    assert.equal((await run(["apply", "far.json"])).output, "created   shop.far  version 1\n");
    await run(["send", "shop.far"], { input: '{"id":"a","at":"2026-11-21T10:00:00Z"}\n' });
    await write("far.json", declared(more));
    assert.match((await run(["plan", "far.json"])).output, /least is -9223372036854775808 in rows that are there/);
    assert.match((await run(["plan", "far.json", "--json"])).output, /"filled":\{"least":-9223372036854775808\}/);
    assert.match((await run(["apply", "far.json"])).output, /^changed +shop\.far +version 2/);
    assert.match(
      (await run(["describe", "shop.far", "--json"])).output,
      /"default":9223372036854775807\}.*"default":-9223372036854775808,"x-odd":18446744073709551615/,
    );
    for (const [form, file] of [
      ["json", "far-out.json"],
      ["yaml", "far-out.yaml"],
      ["odcs", "far-out.odcs.yaml"],
      ["typescript", "far-out.ts"],
    ] as const) {
      await run(["export", "shop.far", "--format", form, "--out", file]);
      assert.equal((await run(["apply", file])).output, "unchanged shop.far  version 2\n", form);
    }
    await run(["export", "shop.far", "--format", "avsc", "--out", "far.avsc"]);
    await write("far-beside.json", '{"name":"shop.far","schema":"./far.avsc","key":["id"],"order":["at"]}');
    assert.equal((await run(["apply", "far-beside.json"])).output, "unchanged shop.far  version 2\n");
    await run(["send", "shop.far"], { input: '{"id":"b","at":"2026-11-21T10:00:00Z","last":"-9007199254740993"}\n' });
    await untilRows(2, "shop.far");
    assert.equal(
      (await run(["query", "SELECT id, last, least FROM shop.far ORDER BY id", "--json"])).output,
      '{"id":"a","last":"9223372036854775807","least":"-9223372036854775808"}\n{"id":"b","last":"-9007199254740993","least":"-9223372036854775808"}\n',
    );
    // Where the digits were lost before they came, it is said.
    await write("lost.mjs", `import { parseContract } from "@mainstem/contract";\nexport const lost = parseContract(${declared(last)});`);
    assert.match((await run(["apply", "lost.mjs"])).errors, /fields\[2\]\.default: .*lost digits.*bigint/);
  });

  test("plan and apply --check take a dataset and its successor in one file, as apply does", async () => {
    const named = (name: string, predecessor?: string) => ({
      ...contract,
      name: `pp.${name}`,
      schema: { ...contract.schema, namespace: "pp", name },
      predecessor,
    });
    await write("pair.json", [named("a"), named("b", "pp.a")]);
    const planned = await run(["plan", "pair.json"]);
    assert.deepEqual([planned.code, planned.output.match(/^\S+ +pp\.\w$/gm)], [0, ["created   pp.a", "created   pp.b"]]);
    assert.match((await run(["apply", "--check", "pair.json"])).errors, /^2 of 2 datasets are not applied as declared$/m);
    assert.equal((await run(["apply", "pair.json"])).output, "created   pp.a  version 1\ncreated   pp.b  version 1\n");
    assert.equal((await run(["apply", "--check", "pair.json"])).code, 0);
  });

  test("apply changes nothing where one of the files has no contract, and says what it did not try after one that was refused", async () => {
    const named = (name: string) => ({ ...contract, name: `cc.${name}`, schema: { ...contract.schema, namespace: "cc", name } });
    await write("a.json", named("a"));
    await write("b.json", { ...named("b"), key: ["nope"] });
    const invalid = await run(["apply", "a.json", "b.json"]);
    assert.deepEqual([invalid.code, invalid.output], [1, ""]);
    assert.match(invalid.errors, /^error: The contract of cc\.b is not valid.* key\[0\]: .*\[contract\.invalid\]$/m);
    assert.equal((await run(["describe", "cc.a"])).code, 1);
    await write("b.json", { ...named("b"), predecessor: "cc.nothing" });
    await write("c.json", [named("c"), named("d")]);
    const refused = await run(["apply", "a.json", "b.json", "c.json"]);
    assert.deepEqual([refused.code, refused.output], [1, "created   cc.a  version 1\n"]);
    assert.match(refused.errors, /\[registry\.predecessorInvalid\]\n {2}\S.* Not tried: cc\.c, cc\.d\.\n$/);
    assert.match((await run(["apply", "a.json", "b.json", "c.json", "--json"])).errors, /"remedy":"[^"]* Not tried: cc\.c, cc\.d\."/);
  });

  test("types are written for datasets that others own", async () => {
    assert.equal((await run(["types", "shop.orders", "--out", "datasets.ts"])).code, 0);
    const text = await readFile(join(folder.path, "datasets.ts"), "utf8");
    assert.match(text, /^\/\/ Written by `mainstem types` from shop\.orders \(version 2\)/);
    assert.match(
      text,
      /export interface ShopOrdersInput \{\n {2}readonly id: string;\n {2}readonly revision: number \| string;\n {2}readonly placedAt: string \| number;/,
    );
    assert.equal((await run(["types", "shop.nothing"])).code, 1);
  });

  test("a service declares its datasets when it starts, however many of it start at once", async () => {
    const customers = parseContract({ ...contract, name: "shop.customers", schema: { ...contract.schema, name: "customers" } });
    const server = platform.url;
    const starts = await Promise.all([1, 2, 3].map(() => applyDatasets({ server, datasets: [customers], provenance: "commit 3d" })));
    assert.deepEqual(
      starts
        .flat()
        .map(({ kind }) => kind)
        .toSorted(),
      ["created", "unchanged", "unchanged"],
    );
    await assert.rejects(
      applyDatasets({ server, datasets: [{ ...customers, merge: { kind: "first" } }] }),
      (error: { readonly code?: string; readonly facts?: object }) => {
        assert.equal(error.code, "registry.rebuildNeeded");
        return "rebuilt" in (error.facts ?? {});
      },
    );
    await assert.rejects(applyDatasets({ server: "http://127.0.0.1:1", datasets: [customers] }), { code: "server.unreachable" });
    const twice = [customers, { ...customers, description: "Others." }];
    await assert.rejects(applyDatasets({ server: "http://127.0.0.1:1", datasets: twice }), {
      code: "contract.invalid",
      message: /shop\.customers is declared twice/,
    });
    assert.equal((await applyDatasets({ server, datasets: [customers, { ...customers }] })).at(-1)?.kind, "unchanged");
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(applyDatasets({ server, datasets: [customers], signal: stop.signal }), { name: "AbortError" });
  });
});
