import { ByteSink } from "./avro/byte-sink.ts";
import type { AvroField, AvroRecordSchema, AvroTypeSchema } from "./avro/schema.ts";
import { unwrapNullable } from "./avro/schema.ts";
import type { Check, Deletes, RangeBounds } from "./contract.ts";
import type { IssueList } from "./issue-list.ts";
import { formatDecimal } from "./records/decimal.ts";
import type { RecordCheck } from "./records/demands.ts";
import { comparerOf, compileDemand, isRecordCheck } from "./records/demands.ts";
import { Faults } from "./records/faults.ts";
import { decimalOf } from "./records/json-leaves.ts";
import { compileJsonWrite } from "./records/json-writer.ts";
import { fractionDigitsOf, kindOf } from "./value-kind.ts";

interface Placed {
  readonly check: RecordCheck;
  readonly path: string;
}

/** Refuses checks that are right one by one, and let no value of their field through together. */
export function refuseConflicts(checks: readonly Check[], fieldAt: (path: string) => AvroField, issues: IssueList): void {
  const placed = checks.flatMap((check, index) => (isRecordCheck(check) ? [{ check, path: `checks[${index}]` }] : []));
  for (const [name, own] of Map.groupBy(placed, ({ check }) => check.field)) {
    const field = fieldAt(name);
    const type = unwrapNullable(field.type)?.type as AvroTypeSchema;
    const conflict =
      firstEmpty(own, "range", (ranges) => isRangeEmpty([...ranges, boundsOf(type)], type)) ??
      firstEmpty(own, "length", isLengthEmpty) ??
      firstEmpty(own, "oneOf", () => isChoiceEmpty(own, field));
    if (conflict === undefined) continue;
    const others = own.filter(({ path, check }) => path !== conflict && check.kind !== "notNull").map(({ path }) => path);
    const [together, widen] = others.length === 0 ? ["", "widen it"] : [` together with ${others.join(", ")}`, "widen one of them"];
    issues.invalid(conflict, `No value of ${name} (${kindOf(type)}) can pass this check${together}: ${widen}, or leave it out.`);
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

/** The greatest number that is not infinite when it is rounded to a float. */
const floatMax = 2 ** 128 - 2 ** 103 - 2 ** 75;

/** The least and the greatest value of a type that has a range, written as its values are. */
function boundsOf(type: AvroTypeSchema): RangeBounds {
  const kind = kindOf(type);
  const digits = fractionDigitsOf(kind);
  const lastTime = `23:59:59${digits === 0 ? "" : `.${"9".repeat(digits)}`}`;
  if (kind === "int") return { min: -(2 ** 31), max: 2 ** 31 - 1 };
  if (kind === "long") return { min: `${-(2n ** 63n)}`, max: `${2n ** 63n - 1n}` };
  if (kind === "float") return { min: -floatMax, max: floatMax };
  if (kind === "double") return { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
  if (kind === "date") return { min: "0001-01-01", max: "9999-12-31" };
  if (kind.startsWith("timestamp")) return { min: "0001-01-01T00:00:00Z", max: `9999-12-31T${lastTime}Z` };
  if (kind.startsWith("localTimestamp")) return { min: "0001-01-01T00:00:00", max: `9999-12-31T${lastTime}` };
  if (kind.startsWith("time")) return { min: "00:00", max: lastTime };
  const { precision, scale } = decimalOf(type);
  const greatest = 10n ** BigInt(precision) - 1n;
  return { min: formatDecimal(-greatest, scale), max: formatDecimal(greatest, scale) };
}

function isRangeEmpty(ranges: readonly RangeBounds[], type: AvroTypeSchema): boolean {
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
