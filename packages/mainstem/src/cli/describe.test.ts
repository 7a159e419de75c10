import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutField, describeType } from "./describe.ts";

test("says an Avro type in few words", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ["long", "long"],
    [["null", "string"], "string or null"],
    [{ type: "long", logicalType: "timestamp-micros" }, "timestamp-micros"],
    [["null", { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 }], "decimal(12, 2) or null"],
    [{ type: "array", items: { type: "map", values: "int" } }, "list of map of int"],
    [{ type: "enum", name: "status", symbols: ["placed", "paid"] }, "one of placed, paid"],
    [
      {
        type: "record",
        name: "address",
        fields: [
          { name: "city", type: "string" },
          { name: "zip", type: ["null", "string"] },
          { name: "street", type: "string", pii: true },
        ],
      },
      "{ city: string, zip: string or null, street: string (pii) }",
    ],
    [{ type: "fixed", name: "hash", size: 16 }, "fixed"],
  ];
  for (const [type, text] of cases) assert.equal(describeType(type), text);
});

test("says that a field is personal, before what it is for", () => {
  assert.equal(aboutField({ pii: true, doc: "where invoices go" }), "pii; where invoices go");
  assert.equal(aboutField({ pii: true }), "pii");
  assert.equal(aboutField({ pii: false, doc: "how many" }), "how many");
  assert.equal(aboutField({}), "");
});
