import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { formatContract, parseContract } from "@mainstem/contract";
import { readDeclarations } from "./contract-files.ts";
import { contractForms, writeForm } from "./contract-forms.ts";

const fields = [
  { name: "id", type: { type: "string", logicalType: "uuid" } },
  { name: "revision", type: "long" },
  { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 }, default: "\u0000" },
  { name: "note", type: ["null", "string"], default: null, pii: true },
];
const contract = parseContract({
  name: "shop.orders",
  schema: { type: "record", name: "orders", namespace: "shop", fields },
  key: ["id"],
  order: ["revision"],
  checks: [{ kind: "range", field: "revision", max: "9223372036854775807" }],
});

describe("contract files", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mainstem-files-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const refused = async (name: string, text: string, message: RegExp): Promise<void> => {
    await assert.rejects(readDeclarations(await write(name, text)), { code: "cli.file", message });
  };

  test("every form that is written is read as the same contract", async () => {
    const endings = { json: ".json", yaml: ".yaml", odcs: ".odcs.yaml", avsc: ".avsc", typescript: ".ts" };
    for (const form of contractForms) {
      const file = await write(`orders${endings[form]}`, await writeForm(contract, { form }));
      // A module's imports are found from where it lies, and this folder has no packages: forms.prop.ts runs what is written.
      if (form === "typescript") continue;
      const { schema: _, ...rest } = formatContract(contract);
      const read = form === "avsc" ? await write("beside.json", JSON.stringify({ ...rest, schema: "./orders.avsc" })) : file;
      const [declaration, ...others] = await readDeclarations(read);
      assert.equal(others.length, 0);
      assert.deepEqual(declaration?.notes, []);
      assert.deepEqual(formatContract(parseContract(declaration.contract)), formatContract(contract), form);
    }
  });

  test("a schema file without a namespace belongs to the dataset's", async () => {
    await write("bare.avsc", JSON.stringify({ type: "record", name: "orders", fields }));
    const file = await write("bare.yaml", "name: shop.orders\nkey: [id]\norder: [revision]\nschema: ./bare.avsc\n");
    assert.equal(parseContract((await readDeclarations(file))[0]?.contract).schema.namespace, "shop");
  });

  test("a dataset that is declared twice is refused, with the names of both files, unless both say the same", async () => {
    const orders = "name: shop.orders\nkey: [id]\norder: [revision]\n";
    const first = await write("first.yaml", `${orders}description: one\n`);
    const second = await write("second.yaml", `name: shop.returns\n---\n${orders}description: two\n`);
    await assert.rejects(readDeclarations(first, second), {
      code: "cli.file",
      message: /^shop\.orders is declared in \S*first\.yaml and in \S*second\.yaml, and not alike\.$/,
    });
    await refused(
      "both.yaml",
      `${orders}description: one\n---\n${orders}description: two\n`,
      /^shop\.orders is declared twice in \S*both\.yaml, and not alike\.$/,
    );
    const again = await write("again.json", '[{"description":"one","name":"shop.orders","key":["id"],"order":["revision"]}]');
    assert.deepEqual(
      (await readDeclarations(first, again)).map(({ file, name }) => [file, name]),
      [[first, "shop.orders"]],
    );
  });

  test("a schema file alone is refused with what to write", async () => {
    await refused("alone.avsc", JSON.stringify({ type: "record", name: "orders", fields }), /is a schema alone/);
  });

  test("a module that cannot be loaded names the line and column", async () => {
    await refused("comma.ts", 'const orders = {\n  name: "a.b"\n  key: 1,\n};\n', /comma\.ts could not be loaded \(\S*\/comma\.ts:3:3\): Expected ','/);
    await refused("enum.ts", "export const a = 1;\n  enum A { x }\n", /\(\S*\/enum\.ts:2:3\): TypeScript enum/);
    await refused("throws.mjs", "const z = {};\n\nexport const s = z.strin();\n", /\(\S*\/throws\.mjs:3:20\): z\.strin is not a function/);
    await refused("export.mjs", 'import { z, nope } from "./throws.mjs";\n', /could not be loaded/);
    await refused("imports.ts", 'import "./comma.ts";\n', /imports\.ts could not be loaded \(\S*comma\.ts:3:3\)/);
    const declare = new URL("../../../contract/src/index.ts", import.meta.url).href;
    const imports = `import { dataset } from ${JSON.stringify(declare)}; import { z } from ${JSON.stringify(import.meta.resolve("zod"))};`;
    const invalid = await write("invalid.mjs", `${imports}\nexport const a = dataset({ name: "a.b", schema: z.object({ c: z.string() }), key: ["d"] });\n`);
    await assert.rejects(readDeclarations(invalid), { code: "contract.invalid", message: /\(\S*\/invalid\.mjs:2:18\): The contract of a\.b is not valid/ });
  });

  test("a module that exports the JSON form is told what to export", async () => {
    const json = { formatVersion: 1, name: "a.b", schema: { type: "record", name: "b", fields }, key: ["id"], order: "log", merge: { kind: "latest" } };
    await refused("form.mjs", `export const form = ${JSON.stringify(json)};\n`, /exports a\.b as it is written in JSON/);
  });

  test("whole numbers of YAML stay exact", async () => {
    const [declaration] = await readDeclarations(await write("big.yaml", "name: a.b\nmax: 9223372036854775807\nmin: 12\n"));
    assert.deepEqual(declaration?.contract, { name: "a.b", max: 9223372036854775807n, min: 12 });
  });

  test("what a merge key of YAML brings is of its map, where the map does not say it itself", async () => {
    const text = `name: a.b
schema:
  type: record
  name: b
  fields:
    - &f { name: email, type: string, <<: { pii: true } }
    - { name: phone, <<: *f }
    - { <<: [{ pii: false, doc: d }, *f], name: home }
    - { name: plain, type: string, doc: "<<" }
`;
    const [declaration] = await readDeclarations(await write("merge.yaml", text));
    assert.deepEqual((declaration!.contract as { readonly schema: { readonly fields: unknown } }).schema.fields, [
      { name: "email", type: "string", pii: true },
      { name: "phone", type: "string", pii: true },
      { pii: false, doc: "d", name: "home", type: "string" },
      { name: "plain", type: "string", doc: "<<" },
    ]);
    await refused("merged-text.yaml", "name: a.b\n<<: text\n", /is not well-formed: Merge sources must be maps/);
  });

  test("an attribute that is called as a merge key stays one", async () => {
    const marked = parseContract({
      ...formatContract(contract),
      schema: { type: "record", name: "orders", namespace: "shop", fields: fields.map((field) => ({ ...field, "<<": { pii: true } })) },
    });
    for (const form of ["yaml", "odcs"] as const) {
      const [declaration] = await readDeclarations(await write(`attribute.${form}.yaml`, await writeForm(marked, { form })));
      assert.deepEqual(formatContract(parseContract(declaration?.contract)), formatContract(marked), form);
    }
  });

  test("empty documents of a YAML file are passed over", async () => {
    const read = await readDeclarations(await write("dashes.yaml", "---\nname: a.b\n---\n---\n# nothing\n---\nname: a.c\n---\n"));
    assert.deepEqual(
      read.map(({ name }) => name),
      ["a.b", "a.c"],
    );
    await refused("empty.yaml", "---\n---\n", /declares no dataset/);
  });

  test("JSON may begin with a mark of byte order, and says nothing twice, in a schema's file too", async () => {
    const [declaration] = await readDeclarations(await write("mark.json", '\uFEFF{"name":"a.b","max":9223372036854775807}'));
    assert.deepEqual(declaration?.contract, { name: "a.b", max: 9223372036854775807n });
    await refused(
      "twice.json",
      '{"name":"a.b",\n"schema":{"type":"int","pii":true,"pii":false}}',
      /twice\.json is not well-formed: Map keys must be unique at line 2/,
    );
    await write("twice.avsc", '{"type":"record","name":"b","fields":[{"name":"a","type":"int","pii":true,"pii":false}]}');
    await refused("beside-twice.yaml", "name: a.b\nschema: ./twice.avsc\n", /twice\.avsc is not well-formed: Map keys must be unique/);
  });

  test("YAML that grows, names itself, nests without end or is too large is refused", { timeout: 30_000 }, async () => {
    const bomb = Array.from(
      { length: 12 },
      (_, level) => `l${level}: &l${level} [${level === 0 ? "lol" : Array.from({ length: 9 }, () => `*l${level - 1}`).join(", ")}]`,
    );
    await refused("bomb.yaml", `${bomb.join("\n")}\n`, /alias/i);
    const merges = Array.from(
      { length: 40 },
      (_, level) => `l${level}: &l${level} { a: { <<: ${level === 0 ? "{ b: c }" : `*l${level - 1}`} }, b: { <<: ${level === 0 ? "{}" : `*l${level - 1}`} } }`,
    );
    await refused("merges.yaml", `${merges.join("\n")}\n`, /alias/i);
    await refused("self.yaml", "name: a.b\nschema: &s\n  inner: *s\n", /is not well-formed/);
    await refused("deep.yaml", `name: ${"[".repeat(50_000)}${"]".repeat(50_000)}\n`, /is not well-formed/);
    await refused("large.yaml", `# ${"x".repeat(9 * 1024 * 1024)}\n`, /more than 8388608 bytes/);
    await refused("nan.yaml", "name: a.b\nmin: .nan\n", /JSON cannot hold/);
    await refused("broken.yaml", "name: [\n", /is not well-formed/);
    for (const name of ["huge.json", "huge.yaml"])
      await refused(name, '{"name":"a.b","schema":{"type":"int","x":1e400}}', /is not well-formed: x is (?:1e400|Infinity)/);
  });
});
