import assert from "node:assert/strict";
import { test } from "node:test";
import { everyKind } from "../testing/samples.ts";
import { fromOdcs, isOdcs } from "./odcs-reader.ts";
import { toOdcs } from "./odcs-writer.ts";

type Draft = Record<string, unknown>;
interface File extends Draft {
  readonly schema: readonly { readonly properties: readonly Draft[]; customProperties: readonly Draft[] }[];
}

function exported(): File {
  return JSON.parse(JSON.stringify(toOdcs(everyKind))) as File;
}

function property(file: File, name: string): Draft {
  return file.schema[0]?.properties.find((one) => one["name"] === name) as Draft;
}

test("refuses words that were edited beside a type that was not", () => {
  const file = exported();
  property(file, "code")["required"] = false;
  assert.throws(() => fromOdcs(file), {
    code: "contract.invalid",
    message: /schema\[0\]\.properties\[\d+\]: required of code say something else than its mainstem\.avro/,
  });
});

test("takes what was edited in the standard's words", () => {
  const file = exported();
  property(file, "label")["logicalTypeOptions"] = { maxLength: 20 };
  property(file, "day")["description"] = "The day.";
  const [edited] = fromOdcs(file);
  assert.deepEqual(edited?.contract["checks"], [{ kind: "length", field: "label", max: 20 }]);
  const { fields } = edited.contract["schema"] as { readonly fields: readonly Draft[] };
  assert.equal(fields.find(({ name }) => name === "day")?.["doc"], "The day.");
});

test("a check that is no longer said in the standard's words is gone", () => {
  const file = JSON.parse(
    JSON.stringify(
      toOdcs({
        ...everyKind,
        checks: [
          { kind: "sum", field: "count" },
          { kind: "notNull", field: "email" },
          { kind: "freshness", within: "15m" },
        ],
      }),
    ),
  );
  assert.deepEqual(fromOdcs(file)[0]?.contract["checks"], [
    { kind: "sum", field: "count" },
    { kind: "notNull", field: "email" },
    { kind: "freshness", within: "15m" },
  ]);
  property(file as File, "email")["quality"] = [];
  delete (file as Draft)["slaProperties"];
  assert.deepEqual(fromOdcs(file)[0]?.contract["checks"], [{ kind: "sum", field: "count" }]);
});

test("names what is no ODCS file of a version that is read", () => {
  assert.equal(isOdcs({ name: "shop.orders" }), false);
  assert.throws(() => fromOdcs({ name: "shop.orders" }), { code: "contract.invalid", message: /kind: DataContract/ });
  assert.throws(() => fromOdcs({ ...exported(), apiVersion: "v2.2.2" }), { code: "contract.unsupported", message: /ODCS v3/ });
  assert.throws(() => fromOdcs({ ...exported(), schema: [] }), { code: "contract.invalid", message: /schema/ });
  assert.throws(() => fromOdcs({ kind: "DataContract", apiVersion: "v3.1.0", schema: [{ name: "orders", properties: [{ name: "id" }] }] }), {
    code: "contract.invalid",
    message: /name is not said/,
  });
});

test("personal data stays marked, however the file says it", () => {
  for (const mark of [{ classification: "pii" }, { classification: "PII" }, { tags: ["personal"] }, { tags: ["PII"] }]) {
    const [read] = fromOdcs({
      kind: "DataContract",
      apiVersion: "v3.1.0",
      domain: "shop",
      schema: [{ name: "orders", properties: [{ name: "mail", logicalType: "string", ...mark }] }],
    });
    assert.ok(read);
    const { fields } = read.contract["schema"] as { readonly fields: readonly Draft[] };
    assert.equal(fields[0]?.["pii"], true, JSON.stringify(mark));
  }
});
