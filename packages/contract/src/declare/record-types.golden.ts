// What is written for TypeScript is judged by its compiler.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileDecoder } from "../records/decoder.ts";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { compileToJson } from "../records/to-json.ts";
import { parseContract } from "../contract-parser.ts";
import { everyKind, everyKindRecord } from "../testing/samples.ts";
import { toRecordTypes } from "./record-types.ts";
import { toTypescript } from "./typescript-writer.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mainstem-types-"));
});
after(async () => {
  await rm(folder, { recursive: true });
});

/** What the compiler has to say; nothing when all is well. */
async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  const require = createRequire(import.meta.url);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const paths = {
    "@mainstem/contract": [fileURLToPath(new URL("../index.ts", import.meta.url))],
    zod: [join(dirname(require.resolve("zod/package.json")), "index.d.ts")],
  };
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    module: "nodenext",
    target: "es2024",
    skipLibCheck: true,
    types: [],
    allowImportingTsExtensions: true,
    paths,
  };
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
  return spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout;
}

const orders = parseContract({
  name: "shop.orders",
  description: "Orders. */ Not the end.",
  schema: {
    type: "record",
    name: "orders",
    namespace: "shop",
    fields: [
      { name: "id", type: "string", doc: "As the shop\nnames it." },
      { name: "revision", type: "long" },
      { name: "note", type: ["null", "string"], default: null },
      { name: "tags", type: { type: "array", items: ["null", { type: "enum", name: "tag", symbols: ["a", "b"] }] }, default: [] },
    ],
  },
  key: ["id"],
  order: ["revision"],
});

test("types fit the records that are sent and those that come back, and no others", async () => {
  const encoded = compileRecordEncoder(everyKind).encode(everyKindRecord);
  assert.equal(encoded.kind, "valid");
  const back = compileToJson(everyKind.schema)(compileDecoder({ writer: everyKind.schema, reader: everyKind.schema })(encoded.value.slice()));
  const values = `import type { ShopOrdersInput, ShopOrdersRecord, TestAllInput, TestAllRecord } from "./types.ts";
export const sent: TestAllInput = ${JSON.stringify(everyKindRecord)};
export const got: TestAllRecord = ${JSON.stringify(back)};
export const short: ShopOrdersInput = { id: "a", revision: "9007199254740993" };
export const whole: ShopOrdersRecord = { id: "a", revision: 1, note: null, tags: ["a", null] };
export const wrong: readonly ShopOrdersInput[] = [
  // @ts-expect-error a key field is missing
  { revision: 1 },
  // @ts-expect-error null where none is allowed
  { id: null, revision: 1 },
  // @ts-expect-error no symbol of the enum
  { id: "a", revision: 1, tags: ["c"] },
  // @ts-expect-error no field
  { id: "a", revision: 1, other: 1 },
];
// @ts-expect-error what has a default is there when it is read
export const less: ShopOrdersRecord = { id: "a", revision: 1 };
`;
  assert.equal(await compile({ "types.ts": toRecordTypes([everyKind, orders]), "values.ts": values }), "");
});

test("two names that become one are told apart", () => {
  const twin = (namespace: string, name: string) => ({ ...orders, name: `${namespace}.${name}` });
  assert.match(toRecordTypes([twin("a", "bC"), twin("aB", "c")]), /interface ABCInput[^]*interface ABC2Input/);
});

test("a declaration that was written in TypeScript compiles, and infers what its records are", async () => {
  const use = `import type { InputOf } from "@mainstem/contract";
import { orders } from "./orders.ts";
export const good: InputOf<typeof orders> = { id: "a", revision: "1", tags: [null, "b"] };
// @ts-expect-error no symbol of the enum
export const bad: InputOf<typeof orders> = { id: "a", revision: 1, tags: ["c"] };
`;
  assert.equal(await compile({ "orders.ts": toTypescript(orders), "every-kind.ts": toTypescript(everyKind), "use.ts": use }), "");
});
