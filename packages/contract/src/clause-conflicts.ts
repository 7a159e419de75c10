import type { AvroField, AvroRecordSchema } from "./avro/schema.ts";
import { unwrapNullable } from "./avro/schema.ts";
import type { Contract } from "./contract.ts";
import { isInstant } from "./field-rules.ts";
import type { IssueList } from "./issue-list.ts";
import { kindOf } from "./value-kind.ts";

/** What of a contract names fields of its schema. */
export type FieldClauses = Pick<Contract, "key" | "order" | "merge" | "deletes" | "partition" | "immutable" | "sort" | "subject" | "maxAhead"> & {
  readonly schema: AvroRecordSchema;
};

/** Refuses clauses that are right one by one, and contradict one another. */
export function checkClauses(clauses: FieldClauses, issues: IssueList): void {
  checkMerge(clauses, issues);
  checkDeletes(clauses, issues);
  checkMaxAhead(clauses, issues);
  if (clauses.immutable && clauses.partition.length === 0)
    issues.invalid("immutable", "immutable says that the partition fields of a key never change, and there is no partition: leave it out, or add a partition.");
}

function checkMerge({ merge, key, order }: FieldClauses, issues: IssueList): void {
  if (merge.kind === "none" && order !== "log")
    issues.invalid("order", "Under merge none no record is compared with another, so nothing can be the later: leave order out.");
  if (merge.kind !== "fields") return;
  for (const [name, rule] of Object.entries(merge.fields)) {
    const path = `merge.fields.${name}`;
    if (key.includes(name)) issues.invalid(path, `${name} is of the key, so it is the same in all records that are merged: leave its rule out.`);
    else if (order !== "log" && order.includes(name) && rule !== "latest")
      issues.invalid(path, `${name} is of the order, so the row must keep the latest: leave its rule out, or copy it into a field of its own.`);
  }
}

function checkDeletes({ schema, deletes, merge, key, partition, immutable }: FieldClauses, issues: IssueList): void {
  if (deletes === undefined) return;
  if (merge.kind !== "latest") {
    const fix = merge.kind === "none" ? "give the dataset a key and merge latest" : "use merge latest";
    issues.invalid("deletes", `Under merge ${merge.kind} a delete would have no moment at which it counts: ${fix}, or leave deletes out.`);
  }
  const field = schema.fields.find(({ name }) => name === deletes.field) as AvroField;
  const own = unwrapNullable(field.type);
  const kind = own === undefined ? "union" : kindOf(own.type);
  if (key.includes(field.name))
    issues.invalid("deletes.field", `${field.name} is of the key, so a delete would have another key than its row: use a field beside the key.`);
  if (immutable && partition.some((one) => one.field === field.name))
    issues.invalid(
      "deletes.field",
      `The table is partitioned by ${field.name}, which is declared never to change: leave immutable out, or partition otherwise.`,
    );
  if (deletes.values === undefined && kind !== "boolean")
    issues.invalid("deletes.field", `${field.name} is a ${kind}: say in values which of its texts delete, or use a boolean.`);
  if (deletes.values !== undefined && kind !== "string" && kind !== "enum")
    issues.invalid(
      "deletes.values",
      `${field.name} is a ${kind}: values are for strings and enums${kind === "boolean" ? ", and a boolean deletes when it is true" : ""}.`,
    );
  const symbols = own?.type.type === "enum" ? own.type.symbols : undefined;
  for (const [index, value] of (deletes.values ?? []).entries()) {
    if (symbols?.includes(value) === false) issues.invalid(`deletes.values[${index}]`, `${field.name} has no symbol ${value}; it has ${symbols.join(" ")}.`);
  }
  if (symbols?.every((symbol) => deletes.values?.includes(symbol)) === true)
    issues.invalid("deletes.values", `Every symbol of ${field.name} deletes, so there would never be a row: leave out those of records that stay.`);
  if (field.default === true || deletes.values?.includes(field.default as string) === true)
    issues.invalid("deletes.field", `The default of ${field.name} deletes, so every record that lacks it would: give it a default that does not.`);
}

function checkMaxAhead({ schema, order, maxAhead }: FieldClauses, issues: IssueList): void {
  if (maxAhead === undefined) return;
  const [first] = order === "log" ? [] : order;
  const field = schema.fields.find(({ name }) => name === first);
  if (field === undefined)
    issues.invalid("maxAhead", "maxAhead is about the time in the order, and the order has none: leave it out, or order by a timestamp or hlc.");
  else if (!isInstant(field))
    issues.invalid(
      "maxAhead",
      `maxAhead is about the time in the order, and ${field.name}, which comes first in it, is no timestamp and no hlc: leave it out, or order by one.`,
    );
}
