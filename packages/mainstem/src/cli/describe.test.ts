import assert from "node:assert/strict";
import { test } from "node:test";
import { describeType } from "./describe.ts";

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
        ],
      },
      "{ city: string, zip: string or null }",
    ],
    [{ type: "fixed", name: "hash", size: 16 }, "fixed"],
  ];
  for (const [type, text] of cases) assert.equal(describeType(type), text);
});
