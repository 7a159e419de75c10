import type { AvroField, AvroType } from "../api/answers.ts";

/** An Avro type as a person would say it: `decimal(12, 2)`, `list of text, or null`. */
export function typeWords(type: AvroType): string {
  if (Array.isArray(type)) {
    const others = (type as readonly AvroType[]).filter((one) => one !== "null");
    const words = others.map(typeWords).join(" or ");
    return others.length === type.length ? words : `${words} or null`;
  }
  if (typeof type === "string") return type;
  return objectWords(type as Readonly<Record<string, unknown>> & { readonly type: AvroType });
}

function objectWords(type: Readonly<Record<string, unknown>> & { readonly type: AvroType }): string {
  const logical = type["logicalType"];
  if (logical === "decimal") return `decimal(${Number(type["precision"])}, ${Number(type["scale"] ?? 0)})`;
  if (typeof logical === "string") return logical;
  switch (type.type) {
    case "enum":
      return ((type["symbols"] as readonly string[] | undefined) ?? []).join(" | ");
    case "array":
      return `list of ${typeWords(type["items"] as AvroType)}`;
    case "map":
      return `map of ${typeWords(type["values"] as AvroType)}`;
    case "record":
      return `{ ${((type["fields"] as readonly AvroField[] | undefined) ?? []).map(({ name, type: inner }) => `${name}: ${typeWords(inner)}`).join(", ")} }`;
    case "fixed":
      return `fixed(${Number(type["size"])})`;
    default:
      return typeWords(type.type);
  }
}
