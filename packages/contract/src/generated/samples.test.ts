import assert from "node:assert/strict";
import { test } from "node:test";
import type { AvroRecordSchema } from "../avro/schema.ts";
import { parseAvroRecordSchema } from "../avro/schema-parser.ts";
import { nodesMax, planOf } from "./plan.ts";
import type { RecordNode } from "./plan.ts";
import { readPlanOf } from "./resolve-plan.ts";
import { sampleBytesOf } from "./sample-bytes.ts";
import { samplesOf } from "./samples.ts";

/** A record of one field, which is made of a type by going round so many times. */
function nested(times: number, around: (inner: unknown, level: number) => unknown): AvroRecordSchema {
  let type: unknown = "double";
  for (let level = 0; level < times; level++) type = around(type, level);
  return parseAvroRecordSchema({ type: "record", name: "r", fields: [{ name: "f", type }] });
}

const array = (items: unknown) => ({ type: "array", items });
const map = (values: unknown) => ({ type: "map", values });
const record = (name: string, types: readonly unknown[]) => ({ type: "record", name, fields: types.map((type, index) => ({ name: `f${index}`, type })) });

test("samples stay small however deep and wide lists lie in lists", () => {
  const schemas = [
    nested(62, array),
    nested(62, map),
    nested(20, (inner) => array(["null", map(inner)])),
    nested(20, (inner, level) => array(record(`r${level}`, ["int", inner, "string"]))),
    nested(9, (inner, level) => record(`r${level}`, [array(inner), map(level === 0 ? inner : `r${level - 1}`)])),
  ];
  for (const schema of schemas) {
    const plan = planOf(schema) as RecordNode;
    // Two values for each type that the plan may have.
    assert.ok(JSON.stringify(samplesOf(plan)).length < nodesMax * 2 * 100);
    for (const bytes of sampleBytesOf(schema)) assert.ok(bytes.length < nodesMax * 100);
  }
});

test("schemas whose samples would be large are left to the slower way", () => {
  const fixed = { type: "fixed", name: "large", size: 1_048_576 };
  const wide = (count: number) =>
    parseAvroRecordSchema(
      record(
        "r",
        Array.from({ length: count }, (_, index) => array(index === 0 ? fixed : "large")),
      ),
    );
  assert.ok(planOf(wide(3)) !== undefined && readPlanOf({ writer: wide(3), reader: wide(3) }) !== undefined);
  assert.equal(planOf(wide(4)), undefined);
  assert.equal(readPlanOf({ writer: wide(4), reader: wide(4) }), undefined);
});
