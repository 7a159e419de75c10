import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MainstemError } from "../runtime/errors.ts";
import type { Instant, Offset } from "./log.ts";
import { RecordBatchBuilder } from "./record-batch-builder.ts";
import type { FetchedBatch, RecordBatch } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import { checkBatch } from "./topic-spec.ts";

const interruptAfterTimeLimit = Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) * 1_000;
const run = { numRuns: 5_000, interruptAfterTimeLimit, markInterruptAsFailure: false };

const bytes = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 90 }), fc.uint8Array({ minLength: 8_150, maxLength: 8_250 }));
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: "grapheme" }), value: bytes }), { maxLength: 3 }),
  timestamp: fc.oneof(fc.maxSafeNat(), fc.nat({ max: 1_000 })),
});
const records = fc.array(record, { minLength: 1, maxLength: 12 });

describe("a record batch", () => {
  test("gives back whatever was put in", () => {
    fc.assert(
      fc.property(records, (given) => {
        const batch = build(given);
        assert.deepEqual(walk(fetched(batch)), given.map(plain));
        // What a builder did not vouch for is checked, and found to be as good.
        checkBatch({ ...batch });
      }),
      run,
    );
  });

  test("that was changed anywhere is records still, or named: never anything else", () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }), cut: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(records, fc.array(change, { minLength: 1, maxLength: 4 }), (given, changes) => {
        const batch = build(given);
        let changed = Buffer.from(batch.records);
        for (const { at, to, cut } of changes) {
          if (changed.length > 0) changed[at % changed.length] = to;
          if (cut !== undefined) changed = changed.subarray(0, cut % (changed.length + 1));
        }
        try {
          const seen = walk(fetched({ ...batch, records: changed }));
          assert.equal(seen.length, batch.count);
        } catch (error) {
          assert.ok(error instanceof MainstemError && error.code === "log.corrupt", String(error));
        }
      }),
      run,
    );
  });
});

type Given = Parameters<RecordBatchBuilder["add"]>[0];

function build(given: readonly Given[]): RecordBatch {
  const builder = new RecordBatchBuilder({ capacity: 64 });
  for (const one of given) builder.add(one);
  return builder.finish();
}

function fetched(batch: RecordBatch): FetchedBatch {
  const offsets = { baseOffset: 7 as Offset, lastOffset: (7 + batch.count - 1) as Offset, next: (7 + batch.count) as Offset };
  return { ...batch, ...offsets, timestampType: "create", timestamp: batch.maxTimestamp as Instant };
}

function walk(batch: FetchedBatch): ReturnType<typeof plain>[] {
  const cursor = new RecordCursor(batch);
  const seen = [];
  while (cursor.next()) seen.push(plain({ key: cursor.key(), value: cursor.value(), headers: cursor.headers(), timestamp: cursor.timestamp }));
  return seen;
}

function plain({ key, value, headers = [], timestamp }: Given): object {
  const copy = (one: Uint8Array | null): Buffer | null => (one === null ? null : Buffer.from(one));
  return { key: copy(key), value: copy(value), headers: headers.map((header) => ({ key: header.key, value: copy(header.value) })), timestamp };
}
