import { compileDecoder, compileToJson, formatExact, unwrapNullable, wireHeaderBytes, wireSchemaId, type AvroSchema } from "@mainstem/contract";
import type { Registry } from "../registry/index.ts";
import { MainstemError, toErrorValue } from "../runtime/errors.ts";
import type { WaitingEntry } from "./entries.ts";
import type { Attempt } from "./tally.ts";

/** What stands for an entry, as JSON on one line, or why nothing does. */
export type Made = { readonly kind: "made"; readonly id: string; readonly json: string } | Failed;
export interface Failed {
  readonly kind: "failed";
  readonly attempt: Attempt & { readonly code: string };
}
type Read = { readonly kind: "record"; readonly record: unknown } | Failed;

/** An entry's original as a value: from the door it is JSON, from a task a record of the log. */
export async function readRecord(
  registry: Registry,
  { entry, original }: { readonly entry: WaitingEntry; readonly original: Buffer | null },
  parse: (json: string) => unknown,
): Promise<Read> {
  const { id, from, cutFrom } = entry;
  try {
    if (cutFrom !== undefined)
      throw new MainstemError("inbox.cut", `Only the beginning of ${cutFrom} bytes was kept: send the record again from where it came.`);
    if (original === null) throw new MainstemError("inbox.unreadable", "The record has no value.");
    const json = from === "door" ? new TextDecoder("utf-8", { fatal: true }).decode(original) : formatExact(await decode(registry, original));
    return { kind: "record", record: parse(json) };
  } catch (error) {
    return failed(id, error, "inbox.unreadable");
  }
}

/** A record as it came. */
export function keepRecord(id: string, record: unknown): Made {
  try {
    return { kind: "made", id, json: formatExact(record) };
  } catch (error) {
    return failed(id, error, "inbox.unreadable");
  }
}

/** What a fix makes of an entry. Whole numbers beyond 2^53 become text, but those of floats and doubles: only so does the door take them. */
export function mendRecord(id: string, make: () => unknown, schema: AvroSchema): Made {
  try {
    return { kind: "made", id, json: formatExact(withFloats(make(), schema), { as: "text" }) };
  } catch (error) {
    return failed(id, error, "inbox.transformFailed");
  }
}

/** A value with its floats and doubles as numbers: a whole number is parsed as a bigint before anyone knows which field it is of. */
function withFloats(value: unknown, schema: AvroSchema): unknown {
  const type = unwrapNullable(schema)?.type;
  if (type?.type === "float" || type?.type === "double") return typeof value === "bigint" ? Number(value) : value;
  if (type?.type === "array") return Array.isArray(value) ? value.map((item) => withFloats(item, type.items)) : value;
  if (type?.type === "map") return mapEntries(value, (_name, inner) => withFloats(inner, type.values));
  if (type?.type !== "record") return value;
  // The door takes a field under its aliases too.
  const types = new Map(type.fields.flatMap(({ name, aliases = [], type: own }) => [name, ...aliases].map((word) => [word, own])));
  return mapEntries(value, (name, inner) => {
    const own = types.get(name);
    return own === undefined ? inner : withFloats(inner, own);
  });
}

/** Of an object, or of a map as expressions make them; anything else stays as it is. */
function mapEntries(value: unknown, change: (name: string, inner: unknown) => unknown): unknown {
  const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : isPlain(value) ? Object.entries(value) : undefined;
  return entries === undefined ? value : Object.fromEntries(entries.map(([name, inner]) => [name, change(name, inner)]));
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** An error of the language's own means `otherwise`. */
function failed(id: string, error: unknown, otherwise: "inbox.unreadable" | "inbox.transformFailed"): Failed {
  const ofValue = error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError;
  const { code, message } = ofValue ? { code: otherwise, message: error.message } : toErrorValue(error);
  return { kind: "failed", attempt: { id, code, errors: [{ path: "", expected: "", received: message }] } };
}

async function decode(registry: Registry, value: Buffer): Promise<unknown> {
  const schemaId = wireSchemaId(value, 0, value.length);
  const schema = schemaId < 0 ? undefined : await registry.schema(schemaId);
  if (schema === undefined) throw new MainstemError("inbox.unreadable", "The value does not begin with the id of a schema that there is.");
  return compileToJson(schema)(compileDecoder({ writer: schema, reader: schema })(value, wireHeaderBytes, value.length));
}
