import { z } from "zod";
import { clockAttribute } from "../clock/hlc.ts";

/** What `.meta({ avro: … })` of a Zod type means to Mainstem: the Avro type itself, for what Zod has no word for. */
export interface AvroMeta {
  readonly avro: unknown;
  readonly description?: string;
  readonly pii?: boolean;
}

/** An instant, in microseconds; RFC 3339 text with a zone. */
export function timestamp(): z.ZodISODateTime {
  return z.iso.datetime({ offset: true }).meta({ avro: { type: "long", logicalType: "timestamp-micros" } });
}

/** An instant, in milliseconds; RFC 3339 text with a zone. */
export function timestampMillis(): z.ZodISODateTime {
  return z.iso.datetime({ offset: true }).meta({ avro: { type: "long", logicalType: "timestamp-millis" } });
}

/** What a clock on the wall shows, in microseconds; text without a zone, such as `2026-11-21T09:56:18`. Not an instant: it is never compared with one. */
export function localTimestamp(): z.ZodCustomStringFormat<"localTimestamp"> {
  const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?$/;
  return z.stringFormat("localTimestamp", pattern).meta({ avro: { type: "long", logicalType: "local-timestamp-micros" } });
}

/** A day, such as `2026-11-21`. */
export function date(): z.ZodISODate {
  return z.iso.date().meta({ avro: { type: "int", logicalType: "date" } });
}

/** A time of day in microseconds, such as `09:56:18.123456`. */
export function timeOfDay(): z.ZodISOTime {
  return z.iso.time().meta({ avro: { type: "long", logicalType: "time-micros" } });
}

/** An exact decimal of `precision` digits in all, `scale` of them after the point; text such as `"12.50"`. */
export function decimal(precision: number, scale: number): z.ZodCustomStringFormat<"decimal"> {
  const pattern = /^-?\d+(?:\.\d+)?$/;
  return z.stringFormat("decimal", pattern).meta({ avro: { type: "bytes", logicalType: "decimal", precision, scale } });
}

/** A whole number of 64 bits; a number where it is safe, text beyond 2^53. */
export function long(): z.ZodUnion<readonly [z.ZodInt, z.ZodCustomStringFormat<"long">]> {
  return z.union([z.int(), z.stringFormat("long", /^(?:0|-?[1-9]\d{0,18})$/)]).meta({ avro: "long" });
}

/** A time of a hybrid logical clock, which the producer library stamps (`createHybridClock`): grows on each host, and compares across hosts. For the order. */
export function hlc(): z.ZodType<number | string, number | string | Stamped> {
  return long().meta({ avro: { type: "long", [clockAttribute]: "hlc" } });
}

declare const stamped: unique symbol;

/** No value: marks, for the compiler only, a field that the producer library fills in where it is left out. */
export interface Stamped {
  readonly [stamped]: never;
}

/** Bytes; base64 text. */
export function bytes(): z.ZodBase64 {
  return z.base64().meta({ avro: "bytes" });
}
