import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteSink } from "../avro/byte-sink.ts";
import { bytes, timed } from "../testing/arbitraries.ts";
import { formatBase64, writeBase64 } from "./base64.ts";
import { civilFromDays, daysFromCivil, formatTimestamp, parseDate, parseTimestamp } from "./civil-time.ts";
import { decimalBytes, formatDecimal, parseDecimal, readDecimal, writeDecimal } from "./decimal.ts";

test("dates are those of Date, from year 1 to 9999", () => {
  fc.assert(
    fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
      const date = new Date(days * 86_400_000);
      assert.deepEqual(civilFromDays(days), { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
      assert.equal(daysFromCivil(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()), days);
      assert.equal(parseDate(date.toISOString().slice(0, 10)), days);
    }),
    timed(0.2),
  );
});

test("timestamps are those of Date, in any offset", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true }),
      fc.integer({ min: -1439, max: 1439 }),
      (date, offset) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const zone = `${offset < 0 ? "-" : "+"}${String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0")}:${String(Math.abs(offset) % 60).padStart(2, "0")}`;
        assert.equal(parseTimestamp(`${local}${zone}`, { digits: 3, zone: "required" }), date.getTime());
        assert.equal(parseTimestamp(local, { digits: 3, zone: "required" }), undefined);
        assert.equal(formatTimestamp(date.getTime(), { digits: 3, suffix: "Z" }), date.toISOString());
      },
    ),
    timed(0.2),
  );
});

test("any text is a timestamp or is not, and a timestamp is one that Date reads", () => {
  const nearly = fc.stringMatching(
    /^[0-9T:.+-]{0,3}20[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,9})?([Zz]|[+-][0-9]{2}:?[0-9]{2})?[Z0]?$/,
  );
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string()), (text) => {
      const value = parseTimestamp(text, { digits: 3, zone: "required" });
      if (value !== undefined) assert.equal(value, new Date(text.toUpperCase()).getTime());
    }),
    timed(0.2),
  );
});

test("decimals are exact, and their bytes the shortest of two's complement", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n - 10n ** 38n, max: 10n ** 38n - 1n }), fc.nat({ max: 38 }), fc.nat({ max: 120 }), (any, scale, shift) => {
      const unscaled = any >> BigInt(shift);
      assert.equal(parseDecimal(formatDecimal(unscaled, scale), { precision: 38, scale }), unscaled);
      const size = decimalBytes(unscaled);
      const sink = new ByteSink();
      writeDecimal(unscaled, size, sink);
      assert.equal(readDecimal(sink.view()), unscaled);
      const [first = 0, second = 0] = sink.view();
      assert.ok(size === 1 || !((first === 0 && second < 128) || (first === 255 && second >= 128)), "one byte less would do");
    }),
    timed(0.2),
  );
});

test("base64 is that of Buffer, and a text that is taken is the one of its bytes", () => {
  fc.assert(
    fc.property(bytes, fc.string({ unit: fc.constantFrom("A", "B", "/", "+", "z", "=", "-", "ä"), maxLength: 12 }), (value, text) => {
      assert.equal(formatBase64(value), Buffer.from(value).toString("base64"));
      const sink = new ByteSink(1);
      assert.ok(writeBase64(formatBase64(value), sink));
      assert.deepEqual(sink.copy(), Uint8Array.from(value));
      sink.reset();
      if (writeBase64(text, sink)) assert.equal(formatBase64(sink.view()), text);
      else assert.notEqual(Buffer.from(text, "base64").toString("base64"), text);
    }),
    timed(0.2),
  );
});
