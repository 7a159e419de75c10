import assert from "node:assert/strict";
import { test } from "node:test";
import { toHybridTime } from "../clock/hlc.ts";
import { parseContract } from "../contract-parser.ts";
import { compileDoorEncoder } from "../generated/door-encoder.ts";
import { compileRecordEncoder } from "./record-encoder.ts";

const now = Date.parse("2026-11-21T14:00:00Z");
const types: readonly (readonly [unknown, (millis: number) => unknown])[] = [
  [{ type: "long", logicalType: "timestamp-micros" }, (millis) => new Date(millis).toISOString()],
  [{ type: "long", logicalType: "timestamp-micros" }, (millis) => millis * 1_000],
  [{ type: "long", logicalType: "timestamp-millis" }, (millis) => millis],
  [{ type: "long", "mainstem.clock": "hlc" }, (millis) => String(toHybridTime({ millis, counter: 9 }))],
];

for (const [type, value] of types) {
  test(`a time in the order that lies too far ahead is refused by path: ${JSON.stringify(type)} as ${typeof value(0)}`, () => {
    const contract = parseContract({
      name: "a.b",
      schema: {
        type: "record",
        name: "b",
        namespace: "a",
        fields: [
          { name: "k", type: "string" },
          { name: "at", type },
        ],
      },
      key: ["k"],
      order: ["at"],
      maxAhead: "5m",
    });
    const door = compileDoorEncoder(contract, { now: () => now });
    assert.equal(door.way, "generated");
    const taken = (millis: number): boolean => {
      const record = { k: "x", at: value(millis) };
      const text = new TextEncoder().encode(JSON.stringify(record));
      const result = compileRecordEncoder(contract, { now: () => now }).encode(record);
      const errors = result.kind === "invalid" ? result.errors : undefined;
      assert.deepEqual(door.encodeRecord(record), errors);
      if (errors !== undefined) {
        assert.deepEqual(
          errors.map(({ path, expected }) => ({ path, expected })),
          [{ path: "at", expected: "a time at most 5m after now" }],
        );
        assert.ok(errors[0]?.received.includes(String(record.at)), errors[0]?.received);
        assert.equal(door.transcode(text, 0, text.length), false);
      }
      // Without a clock nothing is ahead of it.
      assert.equal(compileRecordEncoder(contract).encode(record).kind, "valid");
      return errors === undefined;
    };
    assert.deepEqual([0, now - 1, now, now + 300_000, now + 300_001, now + 86_400_000].map(taken), [true, true, true, true, false, false]);
  });
}
