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
      const file = await write(`orders${endings[form]}`, writeForm(contract, { form }));
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

  test("a schema file alone is refused with what to write", async () => {
    await refused("alone.avsc", JSON.stringify({ type: "record", name: "orders", fields }), /is a schema alone/);
  });

  test("whole numbers of YAML stay exact", async () => {
    const [declaration] = await readDeclarations(await write("big.yaml", "name: a.b\nmax: 9223372036854775807\nmin: 12\n"));
    assert.deepEqual(declaration?.contract, { name: "a.b", max: "9223372036854775807", min: 12 });
  });

  test("YAML that grows, names itself, nests without end or is too large is refused", { timeout: 30_000 }, async () => {
    const bomb = Array.from(
      { length: 12 },
      (_, level) => `l${level}: &l${level} [${level === 0 ? "lol" : Array.from({ length: 9 }, () => `*l${level - 1}`).join(", ")}]`,
    );
    await refused("bomb.yaml", `${bomb.join("\n")}\n`, /alias/i);
    await refused("self.yaml", "name: a.b\nschema: &s\n  inner: *s\n", /is not well-formed/);
    await refused("deep.yaml", `name: ${"[".repeat(50_000)}${"]".repeat(50_000)}\n`, /is not well-formed/);
    await refused("large.yaml", `# ${"x".repeat(9 * 1024 * 1024)}\n`, /more than 8388608 bytes/);
    await refused("nan.yaml", "name: a.b\nmin: .nan\n", /JSON cannot hold/);
    await refused("broken.yaml", "name: [\n", /is not well-formed/);
  });
});
