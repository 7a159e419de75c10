import type { Check, RangeBounds } from "../contract.ts";
import { patternFault } from "../patterns/rules.ts";

/** A Zod check, as far as it is looked at. */
export interface ZodCheckDef {
  readonly check: string;
  readonly value?: unknown;
  readonly inclusive?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly length?: number;
  readonly format?: string;
  readonly pattern?: RegExp;
  readonly position?: number;
}

/** What the refinements of one Zod type come to: checks without their field yet, or the sentence that refuses one. */
export type Refinement = { readonly check: Check } | { readonly refused: string };

/** Formats whose pattern is not all that Zod checks. */
const formatsBeyondPattern: ReadonlySet<string> = new Set(["base64", "base64url", "ipv6", "cidrv6", "jwt", "url"]);

/** Turns refinements into checks on `field`. `whole` says that the values are whole numbers, `unit` what a length counts. */
export function toChecks(defs: readonly ZodCheckDef[], options: { readonly field: string; readonly whole: boolean }): readonly Refinement[] {
  const { field } = options;
  const bounds: { -readonly [B in keyof RangeBounds]: RangeBounds[B] } = {};
  const lengths: { min?: number; max?: number } = {};
  const refinements: Refinement[] = [];
  for (const def of defs) {
    switch (def.check) {
      case "number_format":
      case "bigint_format":
        break;
      case "greater_than":
      case "less_than":
        addBound(def, options.whole, bounds);
        break;
      case "min_length":
      case "max_length":
      case "length_equals": {
        const { minimum = def.length, maximum = def.length } = def;
        if (minimum !== undefined) lengths.min = Math.max(lengths.min ?? 0, minimum);
        if (maximum !== undefined) lengths.max = Math.min(lengths.max ?? maximum, maximum);
        break;
      }
      case "string_format":
        refinements.push(patternOf(def, field));
        break;
      case "overwrite":
        refinements.push({ refused: "The door does not change values: leave out trim, toLowerCase and their like, or refuse other values with .regex()." });
        break;
      case "multiple_of":
        refinements.push({ refused: "multipleOf has no form as a check; leave it out." });
        break;
      default:
        refinements.push({
          refused: `${def.check === "custom" ? "refine and superRefine have" : `${def.check} has`} no form as a check; use .min .max .regex or an enum, or leave it out.`,
        });
    }
  }
  if (Object.keys(bounds).length > 0) refinements.push({ check: { kind: "range", field, ...bounds } });
  if (Object.keys(lengths).length > 0) refinements.push({ check: { kind: "length", field, ...lengths } });
  return refinements;
}

/** The check of a text format that Zod judges by a pattern alone. */
export function patternOf(def: ZodCheckDef, field: string): Refinement {
  const { pattern, format = "", position } = def;
  // Zod counts UTF-16 units, line feeds too; its own pattern does neither.
  if (position !== undefined) return { refused: "includes with a position has no form as a check; use .includes() without, or .regex()." };
  if (pattern === undefined || formatsBeyondPattern.has(format))
    return { refused: `The format ${format} has no form as a check; use z.string(), if you like with .regex().` };
  if (pattern.flags !== "" && pattern.flags !== "u")
    return { refused: `A pattern with the flags ${pattern.flags} has no form as a check; write it without flags, such as [Aa] for both cases.` };
  const fault = patternFault(pattern.source);
  return fault === undefined ? { check: { kind: "matches", field, pattern: pattern.source } } : { refused: fault };
}

/** Of several bounds the narrowest counts. */
function addBound(def: ZodCheckDef, whole: boolean, bounds: { -readonly [B in keyof RangeBounds]: RangeBounds[B] }): void {
  const lower = def.check === "greater_than";
  const value = def.value as number | bigint;
  // Of whole numbers an open bound is a closed one, one further.
  if (whole && typeof value === "number")
    return narrow(
      bounds,
      lower ? "min" : "max",
      lower
        ? Math.floor(value) + (def.inclusive === true && Number.isInteger(value) ? 0 : 1)
        : Math.ceil(value) - (def.inclusive === true && Number.isInteger(value) ? 0 : 1),
    );
  if (typeof value === "bigint") return narrow(bounds, lower ? "min" : "max", def.inclusive === true ? value : value + (lower ? 1n : -1n));
  const name = def.inclusive === true ? (lower ? "min" : "max") : lower ? "above" : "below";
  narrow(bounds, name, value);
}

function narrow(bounds: { -readonly [B in keyof RangeBounds]: RangeBounds[B] }, name: keyof RangeBounds, value: number | bigint): void {
  const before = bounds[name];
  const old = typeof before === "string" ? BigInt(before) : before;
  const lower = name === "min" || name === "above";
  if (old !== undefined && (lower ? old >= value : old <= value)) return;
  bounds[name] = typeof value === "number" ? value : Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}
