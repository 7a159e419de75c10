import { z } from "zod";
import { configEntries, configSchema, unwrap, type LeafKind } from "./config-schema.ts";
import { valueAt, type ConfigFault, type Merged } from "./config-sources.ts";
import { MainstemError } from "./errors.ts";
import { nearestName } from "./nearest-name.ts";

/** What is wrong at a place of the settings, for people. */
export function toFaults(issue: z.core.$ZodIssue, merged: Merged): readonly ConfigFault[] {
  const path = issue.path.join(".");
  const source = sourceOf(path, merged);
  if (issue.code === "unrecognized_keys") {
    const inside = path === "" ? "" : `${path}.`;
    return issue.keys.map((key) => ({ path: inside + shorten(key), expected: expectedFor(key, path), received: "an unknown setting", source }));
  }
  const value = valueAt(merged.settings, issue.path);
  if (issue.code === "invalid_type") {
    const expected = path === "" ? "an object of settings" : `an object with ${namesAt(path).join(", ")}`;
    return [{ path, expected, received: describe(value, undefined), source }];
  }
  const kind = configEntries.find((entry) => entry.path === path)?.kind;
  return [{ path, expected: issue.message, received: describe(value, kind), source }];
}

export function sourceOf(path: string, { sources, fileSource }: Merged): string {
  return sources.get(path) ?? fileSource;
}

export function invalid(faults: readonly ConfigFault[]): MainstemError {
  const lines = faults.map(
    ({ path, expected, received, source }) => `  ${path === "" ? "" : `${path}: `}expected ${expected}, received ${received} (${source})`,
  );
  const opening = faults.length === 1 ? "The configuration has a fault:" : `The configuration has ${faults.length} faults:`;
  return new MainstemError("config.invalid", [opening, ...lines].join("\n"), { faults });
}

/** What an unknown key was probably meant to be: a near name beside it, or its own name elsewhere. */
function expectedFor(key: string, parent: string): string {
  const near = nearestName(key, namesAt(parent));
  if (near !== undefined) return `${parent === "" ? "" : `${parent}.`}${near}`;
  const elsewhere = configEntries.filter((entry) => entry.path.split(".").at(-1)?.toLowerCase() === key.toLowerCase());
  if (elsewhere.length > 0) return elsewhere.map((entry) => entry.path).join(" or ");
  return `one of ${namesAt(parent).join(", ")}`;
}

/** The names of the settings and groups at a path. */
function namesAt(path: string): readonly string[] {
  let schema: z.core.$ZodType = configSchema;
  for (const name of path.split(".").filter(Boolean)) {
    const child: z.core.$ZodType | undefined = schema instanceof z.ZodObject ? schema.shape[name] : undefined;
    if (child === undefined) return [];
    ({ schema } = unwrap(child));
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** A value as a fault shows it: short, and of what should have been a reference to a secret nothing but its kind. */
function describe(value: unknown, kind: LeafKind | undefined): string {
  if (value === undefined || value === null) return "nothing";
  if (kind === "secret") return `a ${typeof value} that is no reference`;
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : `a value of type ${typeof value}`;
}

export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
