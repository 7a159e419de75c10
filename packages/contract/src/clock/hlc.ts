import type { AvroTypeSchema } from "../avro/schema.ts";
import { attributeOf } from "../avro/schema.ts";

/** The attribute of a long that says that it is a time of a hybrid logical clock. */
export const clockAttribute = "mainstem.clock";

/** Milliseconds stand above the counter. Beyond 2^47 of them (the year 6429) a time would not fit a long. */
const counterBits = 16n;
const millisMax = 2 ** 47 - 1;

/** The greatest time that a hybrid logical clock can give. */
export const hybridTimeMax: bigint = (1n << 63n) - 1n;

/** Whether a type holds times of a hybrid logical clock (docs/formats/contract.md). */
export function isClock(schema: AvroTypeSchema): boolean {
  return schema.type === "long" && attributeOf(schema, clockAttribute) === "hlc";
}

/** A time of a hybrid logical clock from its parts: milliseconds since 1970, cut to those that it can hold, and a counter from 0 to 65535. */
export function toHybridTime({ millis, counter = 0 }: { readonly millis: number; readonly counter?: number }): bigint {
  const held = Number.isFinite(millis) ? Math.min(Math.max(Math.floor(millis), 0), millisMax) : 0;
  return (BigInt(held) << counterBits) | BigInt(counter);
}

/** The milliseconds since 1970 of a time of a hybrid logical clock. */
export function hybridTimeMillis(time: bigint | number): number {
  return Number(BigInt(time) >> counterBits);
}
