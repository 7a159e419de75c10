import type { Issue } from "../avro/schema.ts";
import { isObject, shown, type IssueList } from "../issue-list.ts";
import type { Json } from "./odcs-words.ts";

interface Place {
  /** In the file. */
  readonly at: string;
  /** In the contract. */
  readonly path: string;
  readonly notes: Issue[];
  readonly issues: IssueList;
}

/** Notes the words of a part of the file that are not read, `inside` of what. */
export function noteWords(
  json: Json,
  { path, notes, known, inside = "" }: Omit<Place, "at" | "issues"> & { readonly known: readonly string[]; readonly inside?: string },
): void {
  const words = Object.keys(json).filter((word) => !known.includes(word) && !isNothing(json[word]));
  if (words.length > 0) notes.push({ path, message: `Not carried over${inside === "" ? "" : ` of ${inside}`}: ${words.join(", ")}.` });
}

/** As `noteWords`, with the values, which must be small. */
export function noteValues(values: Json, { path, notes }: Omit<Place, "at" | "issues">): void {
  const said = Object.entries(values).filter(([, value]) => !isNothing(value));
  if (said.length > 0) notes.push({ path, message: `Not carried over: ${said.map(([word, value]) => `${word} ${shown(value)}`).join(", ")}.` });
}

/** Notes custom properties, and refuses those that are called as ours and are none of `known`: a slip would lose what they say. */
export function noteCustoms(holder: Json, { known, at, path, notes, issues }: Place & { readonly known: readonly string[] }): void {
  const custom = holder["customProperties"];
  if (!Array.isArray(custom)) return isNothing(custom) ? undefined : noteValues({ customProperties: custom }, { path, notes });
  const names = custom.map((one: unknown) => (isObject(one) ? one["property"] : one)).filter((name) => !known.some((one) => `mainstem.${one}` === name));
  const ours = names.filter((name) => typeof name === "string" && name.startsWith("mainstem."));
  const there = known.length === 0 ? "none of Mainstem's stand here" : `here stand ${known.map((one) => `mainstem.${one}`).join(", ")}`;
  for (const name of ours) issues.invalid(`${at}.customProperties`, `There is no ${shown(name)}: ${there}.`);
  const others = names.filter((name) => !ours.includes(name));
  if (others.length > 0) notes.push({ path, message: `Custom properties that are not carried over: ${others.map(shown).join(", ")}.` });
}

function isNothing(value: unknown): boolean {
  return value === null || value === false || value === undefined || (Array.isArray(value) && value.length === 0);
}

/** The value of a custom property; undefined where there is none. */
export function customOf(holder: Json, property: string): unknown {
  const list = holder["customProperties"];
  return Array.isArray(list) ? list.filter(isObject).find((one) => one["property"] === property)?.["value"] : undefined;
}
