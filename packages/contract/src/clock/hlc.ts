import type { AvroTypeSchema } from "../avro/schema.ts";
import { attributeOf } from "../avro/schema.ts";

/** The attribute of a long that says that it is a time of a hybrid logical clock. */
export const clockAttribute = "mainstem.clock";

/** Whether a type is a time of a hybrid logical clock: a long whose upper 47 bits are milliseconds since 1970, and the lower 16 a counter. */
export function isClock(schema: AvroTypeSchema): boolean {
  return schema.type === "long" && attributeOf(schema, clockAttribute) === "hlc";
}
