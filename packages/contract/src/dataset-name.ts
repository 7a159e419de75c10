import { isAvroName } from "./avro/schema-parser.ts";

/** A topic's name has at most 249 characters, and those of a dataset's own topics put up to 17 in front. */
export const nameLengthMax = 200;

/** Whether a text is `namespace.name`, each an Avro name. */
export function isDatasetName(text: unknown): text is string {
  if (typeof text !== "string" || text.length > nameLengthMax) return false;
  const parts = text.split(".");
  return parts.length === 2 && parts.every(isAvroName);
}

/** Whether a name is kept for Mainstem itself: no dataset is declared under it. */
export function isReservedName(name: string): boolean {
  return name.startsWith("_mainstem");
}
