import { unreachable } from "../runtime/assert.ts";

/** A partition transform with its parameter. */
export type ParsedTransform =
  | { readonly kind: "identity" | "year" | "month" | "day" | "hour" | "void" }
  | { readonly kind: "bucket" | "truncate"; readonly width: number };

/** Reads a transform as a partition spec writes it: `day`, `bucket[16]`… Undefined for one that is not known. */
export function parseTransform(text: string): ParsedTransform | undefined {
  const plain = (["identity", "year", "month", "day", "hour", "void"] as const).find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  const match = /^(bucket|truncate)\[\s*(\d{1,10})\s*\]$/.exec(text);
  const width = Number(match?.[2]);
  if (match === null || width < 1 || width > 2_147_483_647) return undefined;
  return { kind: match[1] as "bucket" | "truncate", width };
}

/** The type of a transform's results for a source of `type`. */
export function resultType(transform: ParsedTransform, type: string): string {
  switch (transform.kind) {
    case "identity":
    case "truncate":
    case "void":
      return type;
    case "day":
      return "date";
    case "year":
    case "month":
    case "hour":
    case "bucket":
      return "int";
    default:
      return unreachable(transform);
  }
}
