import { formatExact, parseExact } from "@mainstem/contract";
import { assert } from "../../runtime/assert.ts";
import { MainstemError } from "../../runtime/errors.ts";

export function toJson(value: unknown): string {
  assert(value !== undefined, "what is stored has a JSON form");
  return formatExact(value);
}

/** Stored JSON, its whole numbers exact: a schema may have any long as a default. `state.corrupt`, with where it was found, if it is none. */
export function fromJson(text: string, where: Readonly<Record<string, unknown>>): unknown {
  try {
    return parseExact(text);
  } catch (cause) {
    throw new MainstemError("state.corrupt", `A stored value of the state is no JSON: ${JSON.stringify(where)}.`, where, { cause });
  }
}
