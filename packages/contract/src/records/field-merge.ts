import type { AvroArraySchema, AvroField } from "../avro/schema.ts";
import { unwrapNullable } from "../avro/schema.ts";
import type { Contract, FieldRule } from "../contract.ts";
import { orderFields } from "../contract.ts";
import { unreachable } from "../unreachable.ts";
import { kindOf } from "../value-kind.ts";
import type { NativeRecord } from "./decoder.ts";
import { compareBytes, compileValueOrder } from "./order-bytes.ts";
import { compareText, compileValueText } from "./row-text.ts";

/** A field of a merge under way. `order` is that of the record whose value it is; absent where the rule asks for none, or has no value yet. */
export interface FieldState {
  readonly value: unknown;
  readonly order?: Uint8Array;
}
/** What some records of one key have come to, field by field: it can be kept, and merged with what others have come to. */
export type MergeState = Readonly<Record<string, FieldState>>;

/** The merge by field. `merge` is associative, commutative and idempotent over states that `of` began with. */
export interface FieldMerge {
  /**
   * The fields whose order is not that of the row itself, so that a table must remember it beside the row. Under `order: log` it must remember the
   * order of the row, which is the greatest of its records', too.
   */
  readonly remembered: readonly string[];
  /** The state of one record. `order`: the order bytes of its order fields, or of its position. */
  readonly of: (native: NativeRecord, order: Uint8Array) => MergeState;
  readonly merge: (a: MergeState, b: MergeState) => MergeState;
  readonly row: (state: MergeState) => NativeRecord;
}

interface FieldPlan {
  readonly name: string;
  of(value: unknown, order: Uint8Array): FieldState;
  merge(a: FieldState, b: FieldState): FieldState;
}

/**
 * Compiles the merge by field: `latest` and `first` take the value of the greatest and the least order, null being a value; `latestNonNull` that of the
 * greatest order among those that are not null; `min`, `max` and `union` pass over null. Where that leaves two values, the greater canonical text wins.
 * Unions hold each value once, in the order of their canonical texts. Of floats NaN is the greatest.
 */
export function compileFieldMerge(contract: Contract): FieldMerge {
  const rules: Readonly<Record<string, FieldRule>> = contract.merge.kind === "fields" ? contract.merge.fields : {};
  const ruleOf = (name: string): FieldRule => (Object.hasOwn(rules, name) ? (rules[name] as FieldRule) : "latest");
  const plans = contract.schema.fields.map((field) => compileField(field, ruleOf(field.name)));
  const ordered = contract.schema.fields.filter(({ name }) => ["latest", "first", "latestNonNull"].includes(ruleOf(name)) && !contract.key.includes(name));
  // Null is a value to latest, so every latest value has the greatest order, which order fields of the row tell, being latest themselves.
  const beside = ordered.filter(({ name }) => ruleOf(name) !== "latest" && !orderFields(contract).includes(name));
  const each = (field: (plan: FieldPlan) => unknown) => Object.fromEntries(plans.map((plan) => [plan.name, field(plan)]));
  return {
    remembered: beside.map(({ name }) => name),
    of: (native, order) => each((plan) => plan.of(native[plan.name], order)) as MergeState,
    merge: (a, b) => each((plan) => plan.merge(a[plan.name] as FieldState, b[plan.name] as FieldState)) as MergeState,
    row: (state) => each((plan) => state[plan.name]?.value),
  };
}

function compileField(field: AvroField, rule: FieldRule): FieldPlan {
  const text = compileValueText(field.type);
  const byText = (a: FieldState, b: FieldState): FieldState => (compareText(text(a.value), text(b.value)) >= 0 ? a : b);
  const { name } = field;
  switch (rule) {
    case "latest":
    case "first": {
      const sign = rule === "latest" ? 1 : -1;
      return { name, of: (value, order) => ({ value, order }), merge: (a, b) => byOrder(a, b, sign) ?? byText(a, b) };
    }
    case "latestNonNull":
      return { name, of: (value, order) => (value === null ? { value } : { value, order }), merge: unlessNull((a, b) => byOrder(a, b, 1) ?? byText(a, b)) };
    case "min":
    case "max": {
      const compare = compileValueOrder(field.type);
      const sign = rule === "max" ? 1 : -1;
      return {
        name,
        of: (value) => ({ value }),
        merge: unlessNull((a, b) => {
          const difference = compare(a.value, b.value) * sign;
          return difference === 0 ? byText(a, b) : difference > 0 ? a : b;
        }),
      };
    }
    case "union": {
      const union = compileUnion(field);
      return {
        name,
        of: (value) => ({ value: value === null ? null : union(value as readonly unknown[]) }),
        merge: unlessNull((a, b) => ({ value: union([...(a.value as readonly unknown[]), ...(b.value as readonly unknown[])]) })),
      };
    }
    default:
      return unreachable(rule);
  }
}

/** The one whose order is greater (`sign` 1) or less (-1); undefined where they are the same. */
function byOrder(a: FieldState, b: FieldState, sign: 1 | -1): FieldState | undefined {
  const difference = compareBytes(a.order as Uint8Array, b.order as Uint8Array) * sign;
  return difference === 0 ? undefined : difference > 0 ? a : b;
}

function unlessNull(merge: (a: FieldState, b: FieldState) => FieldState): (a: FieldState, b: FieldState) => FieldState {
  return (a, b) => (a.value === null ? b : b.value === null ? a : merge(a, b));
}

function compileUnion(field: AvroField): (items: readonly unknown[]) => readonly unknown[] {
  const type = unwrapNullable(field.type)?.type;
  if (type === undefined || kindOf(type) !== "array") throw new TypeError(`field ${field.name} is no array`);
  const text = compileValueText((type as AvroArraySchema).items);
  return (items) => {
    const byText = new Map(items.map((item) => [text(item), item]));
    return [...byText].sort(([a], [b]) => compareText(a, b)).map(([, item]) => item);
  };
}
