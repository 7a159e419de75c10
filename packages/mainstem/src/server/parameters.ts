import { parseDate } from "@mainstem/contract";
import { MainstemError, type Code } from "../runtime/errors.ts";

/** The parameters of a request's query: each known, each at most once. Any other is refused by name, so that a typing error never changes what happens. */
export function parseParameters<Name extends string>(query: string, known: readonly Name[], code: Code): Partial<Record<Name, string>> {
  const parameters: Partial<Record<Name, string>> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new MainstemError(code, `There is no parameter ${JSON.stringify(name)} here.`, { parameter: name, known });
    if (parameters[found] !== undefined) throw new MainstemError(code, `The parameter ${name} is given more than once.`, { parameter: name });
    parameters[found] = value;
  }
  return parameters;
}

export function parseBoolean(name: string, text: string | undefined, code: Code): boolean {
  if (text === undefined || text === "false") return false;
  if (text === "true" || text === "") return true;
  throw new MainstemError(code, `The parameter ${name} is true or false.`, { parameter: name });
}

/** A count or an offset. */
export function parseCount(name: string, text: string, code: Code): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new MainstemError(code, `The parameter ${name} is a whole number, 0 or more.`, { parameter: name });
  return value;
}

/** An RFC 3339 time with a zone, in milliseconds since 1970; undefined for any other text. */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  // Date takes a 30th of February for the 2nd of March.
  if (parseDate(text.slice(0, 10)) === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
