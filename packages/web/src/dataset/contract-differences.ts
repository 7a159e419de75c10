import type { AvroField, Contract } from "../api/answers.ts";
import { formatExact } from "../exact-json.ts";
import { typeWords } from "./avro-words.ts";

export interface Difference {
  readonly kind: "added" | "removed" | "changed";
  /** A clause of the contract, or a field of its schema. */
  readonly what: string;
  /** The two sides, where both can be said in a few words. */
  readonly from?: string;
  readonly to?: string;
}

/** Said elsewhere, or the same in every version. */
const leftOut: ReadonlySet<string> = new Set(["formatVersion", "name", "schema"]);

/** What one version of a contract has other than the one before, fields first. */
export function differencesOf(before: Contract, after: Contract): readonly Difference[] {
  return [...fieldDifferences(before, after), ...clauseDifferences(before, after)];
}

function fieldDifferences(before: Contract, after: Contract): readonly Difference[] {
  const [old, fresh] = [byName(before), byName(after)];
  // A field under another name goes by an alias that names the earlier one.
  const renamed = new Map(
    after.schema.fields.flatMap((field) => (field.aliases ?? []).filter((alias) => old.has(alias)).map((alias) => [alias, field] as const)),
  );
  const names = new Set([...old.keys(), ...fresh.keys()]);
  for (const { name } of renamed.values()) if (!old.has(name)) names.delete(name);
  return [...names].flatMap((name): readonly Difference[] => {
    const [was, is] = [old.get(name), fresh.get(name)];
    const now = renamed.get(name);
    if (was !== undefined && now !== undefined) return [changed(`field ${name}`, `${name}: ${fieldWords(was)}`, `${now.name}: ${fieldWords(now)}`)];
    const what = `field ${name}`;
    if (was === undefined) return is === undefined ? [] : [{ kind: "added", what, to: fieldWords(is) }];
    if (is === undefined) return [{ kind: "removed", what, from: fieldWords(was) }];
    return textOf(was) === textOf(is) ? [] : [changed(what, fieldWords(was), fieldWords(is))];
  });
}

function byName({ schema }: Contract): ReadonlyMap<string, AvroField> {
  return new Map(schema.fields.map((field) => [field.name, field]));
}

function clauseDifferences(before: Contract, after: Contract): readonly Difference[] {
  const clauses = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((clause) => !leftOut.has(clause));
  return clauses.flatMap((what): readonly Difference[] => {
    const [was, is] = [before[what], after[what]];
    if (textOf(was) === textOf(is)) return [];
    if (was === undefined) return [{ kind: "added", what, to: wordsOf(is) }];
    if (is === undefined) return [{ kind: "removed", what, from: wordsOf(was) }];
    return [changed(what, wordsOf(was), wordsOf(is))];
  });
}

/** Where the words of both sides are the same, what differs is in what they leave out, such as a comment. */
function changed(what: string, from: string, to: string): Difference {
  return from === to ? { kind: "changed", what } : { kind: "changed", what, from, to };
}

function fieldWords({ type, ...rest }: AvroField): string {
  const fallback = rest.default === undefined ? "" : `, default ${formatExact(rest.default)}`;
  return `${typeWords(type)}${fallback}${rest["pii"] === true ? ", personal" : ""}`;
}

function wordsOf(value: unknown): string {
  return typeof value === "string" ? value : formatExact(value);
}

/** Equal for equal values, whatever the order of their members. */
function textOf(value: unknown): string {
  return formatExact(inOrder(value));
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, inOrder(member)]));
}
