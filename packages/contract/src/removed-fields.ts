import { isAvroName } from "./avro/schema-parser.ts";
import type { AvroRecordSchema } from "./avro/schema.ts";
import type { Contract, RemovedField } from "./contract.ts";
import { isObject, type IssueList } from "./issue-list.ts";

const removedMax = 10_000;
const placesMax = 1_000_000;

/** The place of each top-level field, from 1: the same for the life of the dataset, so places of fields that were removed stay free. */
export function placesOf({ schema, removed = [] }: Pick<Contract, "schema" | "removed">): readonly number[] {
  const taken = new Set(removed.map(({ place }) => place));
  let last = 0;
  return schema.fields.map(() => {
    do last += 1;
    while (taken.has(last));
    return last;
  });
}

/** In the order of a contract's text: those with a place by it, then names. */
export function sortRemoved(removed: readonly RemovedField[]): readonly RemovedField[] {
  const rank = ({ place }: RemovedField): number => place ?? Number.POSITIVE_INFINITY;
  return removed.toSorted((a, b) => (rank(a) === rank(b) ? (a.name < b.name ? -1 : 1) : rank(a) - rank(b)));
}

/** Names of fields that are gone: as they are declared, or with the places that their fields had. */
export function readRemoved(json: unknown, { schema, issues }: { readonly schema: AvroRecordSchema; readonly issues: IssueList }): Pick<Contract, "removed"> {
  if (json === undefined || (Array.isArray(json) && json.length === 0)) return {};
  if (!Array.isArray(json) || json.length > removedMax)
    return issues.invalid("removed", `removed must be an array of at most ${removedMax} names of fields that are gone.`) ?? {};
  const namesOf = (name: string, aliases: readonly string[] = []) => [name, ...aliases].map((one) => one.toLowerCase());
  const taken = new Map(schema.fields.flatMap((field) => namesOf(field.name, field.aliases).map((name) => [name, field.name] as const)));
  const names = new Set<string>();
  const places = new Set<number>();
  const removed = json.flatMap((item: unknown, index): readonly RemovedField[] => {
    const path = `removed[${index}]`;
    const one = readRemovedField(item, { path, issues });
    if (one === undefined) return [];
    const { name, place } = one;
    const owner = taken.get(name.toLowerCase());
    // A field that was renamed had names that differ in nothing but case, perhaps.
    if (names.has(name)) issues.invalid(path, `${name} stands there twice.`);
    else if (owner !== undefined) issues.invalid(path, `${name} is a name of the field ${owner}, so it is not gone; a field that is gone never comes back.`);
    names.add(name);
    if (place !== undefined && places.has(place)) issues.invalid(`${path}.place`, `The place ${place} stands there twice.`);
    if (place !== undefined) places.add(place);
    return [one];
  });
  return { removed: sortRemoved(removed) };
}

function readRemovedField(json: unknown, { path, issues }: { readonly path: string; readonly issues: IssueList }): RemovedField | undefined {
  if (isObject(json)) issues.onlyProperties(json, { path, known: ["name", "place"] });
  const { name, place } = isObject(json) ? json : { name: json, place: undefined };
  const good = isAvroName(name) && (place === undefined || (Number.isSafeInteger(place) && (place as number) > 0 && (place as number) <= placesMax));
  if (!good) return issues.invalid(path, "Each must be a field's name, or { name, place } as Mainstem writes it.");
  return { name, ...(place === undefined ? {} : { place: place as number }) };
}
