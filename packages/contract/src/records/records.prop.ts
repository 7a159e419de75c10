import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileWriter } from "../avro/writer.ts";
import { ByteSink } from "../avro/byte-sink.ts";
import type { Contract } from "../contract.ts";
import { ContractError } from "../errors.ts";
import { contractsWithRecords, timed } from "../testing/arbitraries.ts";
import { compileDecoder } from "./decoder.ts";
import { compileKeyBytes } from "./key-bytes.ts";
import { compileNativeWriter } from "./native-writer.ts";
import { compileRecordEncoder } from "./record-encoder.ts";
import { compileToJson } from "./to-json.ts";

const decoderOf = (contract: Contract) => compileDecoder({ writer: contract.schema, reader: contract.schema });

function encoded(contract: Contract, record: unknown): { readonly value: Uint8Array; readonly key: Uint8Array } {
  const result = compileRecordEncoder(contract).encode(record);
  assert.equal(result.kind, "valid", JSON.stringify(result));
  return result.kind === "valid" ? { value: result.value.slice(), key: result.key.slice() } : assert.fail();
}

test("what the door takes comes back as it was", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 3 }), ({ contract, records }) => {
      const decode = decoderOf(contract);
      const toJson = compileToJson(contract.schema);
      for (const record of records) assert.deepStrictEqual(toJson(decode(encoded(contract, record).value)), record);
    }),
    timed(),
  );
});

test("one encoder gives each record the bytes that a fresh one gives", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 2, max: 5 }), ({ contract, records }) => {
      const encoder = compileRecordEncoder(contract);
      for (const record of records) {
        encoder.encode({ ...(record as object), surprise: 1 });
        const result = encoder.encode(record);
        const fresh = encoded(contract, record);
        assert.ok(result.kind === "valid");
        assert.deepEqual(result.value, fresh.value);
        assert.deepEqual(result.key, fresh.key);
      }
    }),
    timed(0.1),
  );
});

test("native values write the bytes that they were read from, and the key that the door gave them", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 2 }), ({ contract, records }) => {
      for (const record of records) {
        const { value, key } = encoded(contract, record);
        const native = decoderOf(contract)(value);
        const sink = new ByteSink();
        compileNativeWriter(contract.schema)(native, sink);
        assert.deepEqual(sink.copy(), value);
        assert.deepEqual(compileKeyBytes(contract)(native), key);
      }
    }),
    timed(),
  );
});

test("keys are equal exactly when their fields are", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 2, max: 2 }), fc.boolean(), ({ contract, records }, sameKey) => {
      const [a, b] = records as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
      const other = sameKey ? { ...b, ...Object.fromEntries(contract.key.map((name) => [name, a[name]])) } : b;
      const equal = contract.key.every((name) => a[name] === other[name]);
      assert.equal(Buffer.compare(encoded(contract, a).key, encoded(contract, other).key) === 0, equal);
    }),
    timed(0.1),
  );
});

test("a record that was cut anywhere is malformed", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 1 }), fc.nat(), ({ contract, records }, at) => {
      const { value } = encoded(contract, records[0]);
      const decode = decoderOf(contract);
      assert.throws(() => decode(value, 0, at % value.length), { code: "avro.malformed" });
      assert.throws(() => decode(Uint8Array.of(...value, 0)), { code: "avro.malformed" });
    }),
    timed(0.1),
  );
});

test("bytes that were changed, or never were a record, are read or refused, and nothing else happens", () => {
  fc.assert(
    fc.property(
      contractsWithRecords({ min: 1, max: 1 }),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
      fc.uint8Array({ maxLength: 60 }),
      ({ contract, records }, changes, noise) => {
        const value = encoded(contract, records[0]).value;
        for (const [at, byte] of changes) value[at % value.length] = byte;
        for (const bytes of [value, noise]) {
          let native;
          try {
            native = decoderOf(contract)(bytes);
          } catch (error) {
            assert.ok(error instanceof ContractError && error.code === "avro.malformed", String(error));
            continue;
          }
          // What was read can be shown, and written again.
          compileToJson(contract.schema)(native);
          compileNativeWriter(contract.schema)(native, new ByteSink());
        }
      },
    ),
    timed(),
  );
});

test("whatever JSON is sent, the encoder answers, and what it calls valid can be read", () => {
  fc.assert(
    fc.property(
      contractsWithRecords({ min: 1, max: 1 }),
      fc.jsonValue(),
      fc.array(fc.tuple(fc.nat(), fc.jsonValue()), { maxLength: 3 }),
      ({ contract, records }, anything, changes) => {
        const record = { ...(records[0] as object) } as Record<string, unknown>;
        const names = contract.schema.fields.map((field) => field.name);
        for (const [at, value] of changes) record[names[at % names.length] as string] = value;
        const encoder = compileRecordEncoder(contract);
        for (const json of [anything, record]) {
          const result = encoder.encode(json);
          if (result.kind === "valid") decoderOf(contract)(result.value);
          else assert.ok(result.errors.length > 0 && result.errors.length <= 32 && result.errors.every((fault) => fault.received.length < 200));
        }
      },
    ),
    timed(),
  );
});

test("the platform's writer and the door write the same bytes of values that both take", () => {
  const write = compileWriter({ type: "string" });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const sink = new ByteSink();
      if (text.isWellFormed()) {
        write(text, sink);
        assert.equal(Buffer.from(sink.copy()).toString("latin1").endsWith(Buffer.from(text, "utf8").toString("latin1")), true);
      } else {
        assert.throws(() => write(text, sink), TypeError);
        assert.equal(sink.position, 0);
      }
    }),
    timed(0.05),
  );
});
