import assert from "node:assert/strict";
import { test } from "node:test";
import { parseContract } from "./contract-parser.ts";
import { contractOf } from "./testing/samples.ts";

const uuid = { type: "string", logicalType: "uuid" };
const refused: readonly (readonly [string, unknown, unknown])[] = [
  ["a text that is no uuid", uuid, "text"],
  ["a day beyond the year 9999", { type: "int", logicalType: "date" }, 2 ** 31 - 1],
  ["a time that is not within a day", { type: "int", logicalType: "time-millis" }, -5],
  ["more digits than the decimal has", { type: "bytes", logicalType: "decimal", precision: 2, scale: 0 }, "\u0001\u0000\u0000"],
  ["a text that is no uuid within a list", { type: "array", items: uuid }, ["text"]],
];
for (const [title, type, value] of refused) {
  test(`refuses as a default ${title}`, () => {
    assert.throws(() => contractOf([{ name: "x", type, default: value }]), {
      code: "contract.invalid",
      message: /schema\.fields\[2\]\.default: The default of x is no value/,
    });
  });
}

test("refuses such a default deep within records too, at its place", () => {
  const inner = { type: "record", name: "inner", fields: [{ name: "id", type: uuid, default: "text" }] };
  assert.throws(() => contractOf([{ name: "x", type: { type: "array", items: ["null", inner] } }]), {
    message: /schema\.fields\[2\]\.type\.items\[1\]\.fields\[0\]\.default/,
  });
});

test("takes defaults that are values of their logical type", () => {
  const good = contractOf([
    { name: "x", type: uuid, default: "01234567-89ab-cdef-0123-456789abcdef" },
    { name: "y", type: ["null", uuid], default: null },
    { name: "z", type: { type: "bytes", logicalType: "decimal", precision: 2, scale: 0 }, default: "\u0063" },
  ]);
  assert.equal(parseContract(good).schema.fields.length, 5);
});
