import { assert } from "../../runtime/assert.ts";
import { MainstemError } from "../../runtime/errors.ts";

export function toJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  assert(text !== undefined, "what is stored has a JSON form");
  return text;
}

/** Stored JSON. `state.corrupt`, with where it was found, if it is none. */
export function fromJson(text: string, where: Readonly<Record<string, unknown>>): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MainstemError("state.corrupt", `A stored value of the state is no JSON: ${JSON.stringify(where)}.`, where, { cause });
  }
}
