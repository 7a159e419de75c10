import { kindOf, type ValueKind } from "../value-kind.ts";
import type { AvroEnumSchema, AvroField, AvroFixedSchema, AvroRecordSchema, AvroTypeSchema } from "./schema.ts";
import { aliasesOf, fullNameOf } from "./schema.ts";

export type AvroNamedSchema = AvroRecordSchema | AvroEnumSchema | AvroFixedSchema;

/** Whether two named types match: by their names without the namespace, or as one of the reader's aliases is the writer's full name. */
export function sameName(reader: AvroNamedSchema, writer: AvroNamedSchema): boolean {
  return reader.name === writer.name || (reader.aliases !== undefined && aliasesOf(reader).includes(fullNameOf(writer)));
}

/**
 * For each field of the reader the one of the writer that it is read from: of its own name, else of one of its aliases, if no other field has it.
 * Without one there is no entry.
 */
export function writerFieldsOf(reader: AvroRecordSchema, writer: AvroRecordSchema): ReadonlyMap<AvroField, AvroField> {
  const byName = new Map(writer.fields.map((field) => [field.name, field]));
  const pairs = new Map<AvroField, AvroField>();
  const taken = new Set<AvroField>();
  const take = (field: AvroField, source: AvroField | undefined): void => {
    if (source === undefined || taken.has(source) || pairs.has(field)) return;
    pairs.set(field, source);
    taken.add(source);
  };
  for (const field of reader.fields) take(field, byName.get(field.name));
  for (const field of reader.fields) for (const alias of field.aliases ?? []) take(field, byName.get(alias));
  return pairs;
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ["long", "float", "double"],
  long: ["float", "double"],
  float: ["double"],
  string: ["bytes"],
  bytes: ["string"],
};
/** Whether a primitive type is read as another one. */
export function promotes(reader: string, writer: string): boolean {
  return promotions[writer]?.includes(reader) === true;
}

const times: ReadonlySet<ValueKind> = new Set<ValueKind>([
  "date",
  "timeMillis",
  "timeMicros",
  "timestampMillis",
  "timestampMicros",
  "timestampNanos",
  "localTimestampMillis",
  "localTimestampMicros",
  "localTimestampNanos",
]);

/** Whether both are dates or times, but not of one kind: the specification would read the count of one as that of the other. */
export function otherTime(reader: AvroTypeSchema, writer: AvroTypeSchema): boolean {
  const [to, from] = [kindOf(reader), kindOf(writer)];
  return to !== from && times.has(to) && times.has(from);
}
