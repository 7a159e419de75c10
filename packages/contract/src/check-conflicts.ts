import { ByteSink } from "./avro/byte-sink.ts";
import type { AvroField, AvroRecordSchema, AvroTypeSchema } from "./avro/schema.ts";
import { unwrapNullable } from "./avro/schema.ts";
import type { Check, Deletes } from "./contract.ts";
import type { IssueList } from "./issue-list.ts";
import type { RecordCheck } from "./records/demands.ts";
import { comparerOf, compileDemand, isRecordCheck } from "./records/demands.ts";
import { Faults } from "./records/faults.ts";
import { compileJsonWrite } from "./records/json-writer.ts";
import { kindOf } from "./value-kind.ts";

interface Placed {
  readonly check: RecordCheck;
  readonly path: string;
}

/** Refuses checks that are right one by one, and let no value of their field through together. */
export function refuseConflicts(checks: readonly Check[], fieldAt: (path: string) => AvroField, issues: IssueList): void {
  const placed = checks.flatMap((check, index) => (isRecordCheck(check) ? [{ check, path: `checks[${index}]` }] : []));
  for (const [name, own] of Map.groupBy(placed, ({ check }) => check.field)) {
    const field = fieldAt(name);
    const conflict =
      firstEmpty(own, "range", (ranges) => isRangeEmpty(ranges, unwrapNullable(field.type)?.type as AvroTypeSchema)) ??
      firstEmpty(own, "length", isLengthEmpty) ??
      firstEmpty(own, "oneOf", () => isChoiceEmpty(own, field));
    if (conflict === undefined) continue;
    const others = own.filter(({ path, check }) => path !== conflict && check.kind !== "notNull").map(({ path }) => path);
    const together = others.length === 0 ? "this check" : `this check together with ${others.join(", ")}`;
    issues.invalid(conflict, `No value of ${name} can pass ${together}: widen one of them, or leave it out.`);
  }
}

/** Refuses values that are to delete, and that the checks of their field refuse at the door. */
export function refuseLostDeletes(
  { deletes, schema, checks }: { readonly deletes: Deletes; readonly schema: AvroRecordSchema; readonly checks: readonly Check[] },
  issues: IssueList,
): void {
  const own = checks.filter(isRecordCheck).filter(({ field }) => field === deletes.field);
  const passes = compileTrial(own, schema.fields.find(({ name }) => name === deletes.field) as AvroField);
  for (const [index, value] of (deletes.values ?? []).entries()) {
    if (!passes(value))
      issues.invalid(`deletes.values[${index}]`, `A check refuses ${value} in ${deletes.field}, so nothing could be deleted by it: let the checks take it.`);
  }
}

/** The place of the last check of a kind, if what all of them leave is empty. */
function firstEmpty<K extends RecordCheck["kind"]>(
  own: readonly Placed[],
  kind: K,
  isEmpty: (checks: readonly Extract<RecordCheck, { readonly kind: K }>[]) => boolean,
): string | undefined {
  const some = own.filter(({ check }) => check.kind === kind);
  return some.length > 0 && isEmpty(some.map(({ check }) => check as Extract<RecordCheck, { readonly kind: K }>)) ? some.at(-1)?.path : undefined;
}

type Range = Extract<RecordCheck, { readonly kind: "range" }>;

function isRangeEmpty(ranges: readonly Range[], type: AvroTypeSchema): boolean {
  const compare = comparerOf(type);
  const bounds = (name: "min" | "max" | "above" | "below") => ranges.flatMap((range) => compare(range[name]) ?? []);
  const [min, max, above, below] = [bounds("min"), bounds("max"), bounds("above"), bounds("below")];
  const kind = kindOf(type);
  if (kind === "float" || kind === "double") {
    const [lowest, highest] = [Math.max(...[...min, ...above].map(Number)), Math.min(...[...max, ...below].map(Number))];
    return lowest > highest || (lowest === highest && (above.some((bound) => Number(bound) === lowest) || below.some((bound) => Number(bound) === highest)));
  }
  // All others are whole numbers of some unit, so that an open bound is a closed one beside it.
  const lower = [...min.map(BigInt), ...above.map((bound) => BigInt(bound) + 1n)];
  const upper = [...max.map(BigInt), ...below.map((bound) => BigInt(bound) - 1n)];
  return lower.some((low) => upper.some((high) => low > high));
}

function isLengthEmpty(lengths: readonly Extract<RecordCheck, { readonly kind: "length" }>[]): boolean {
  return Math.max(...lengths.map(({ min }) => min ?? 0)) > Math.min(...lengths.map(({ max }) => max ?? Number.POSITIVE_INFINITY));
}

/** Whether none of the values that a `oneOf` lists passes the type and every check. */
function isChoiceEmpty(own: readonly Placed[], field: AvroField): boolean {
  const [first] = own.flatMap(({ check }) => (check.kind === "oneOf" ? [check] : []));
  if (first === undefined) return false;
  const passes = compileTrial(
    own.map(({ check }) => check),
    field,
  );
  return !first.values.some(passes);
}

/** Whether a value of a field, as records have it in JSON, passes its type and all of these checks, which are its own. */
function compileTrial(checks: readonly RecordCheck[], field: AvroField): (value: unknown) => boolean {
  const demand = compileDemand(checks);
  const path = checks[0]?.field ?? field.name;
  const write = demand(path, field.type, compileJsonWrite(field.type, { path, demand }));
  return (value) => write(value, new ByteSink(64), new Faults());
}
