import type { z } from "zod";
import { issuesSentence } from "../avro/schema.ts";
import { parseContract } from "../contract-parser.ts";
import type { Check, Compatibility, Contract, Deletes, Merge, PartitionField, RemovedField, Retention } from "../contract.ts";
import { ContractError } from "../errors.ts";
import { IssueList } from "../issue-list.ts";
import { isZod, ZodWalker } from "./zod-walker.ts";

declare const input: unique symbol;

/** A contract that remembers, for the compiler only, what its records look like when they are sent. */
export type DatasetContract<Input> = Contract & { readonly [input]?: Input };
/** What a record of a dataset looks like when it is sent. */
export type InputOf<D> = D extends DatasetContract<infer Input> ? Input : never;

export interface DatasetSpec<Schema extends z.ZodObject> {
  /** `namespace.name`. */
  readonly name: string;
  readonly description?: string;
  readonly owner?: string;
  readonly schema: Schema;
  /** Fields that make a record unique. May be left out under `none()`. */
  readonly key?: readonly (keyof z.input<Schema> & string)[];
  /** Fields that say which of two records with one key is the later, or `"log"`: the one that was accepted later. Is left out under `none()`. */
  readonly order?: readonly (keyof z.input<Schema> & string)[] | "log";
  /** `latest()` by default. */
  readonly merge?: Merge;
  readonly deletes?: Deletes & { readonly field: keyof z.input<Schema> & string };
  readonly partition?: readonly PartitionField[];
  /** The partition fields never change for a key. */
  readonly immutable?: boolean;
  /** Fields by which rows lie sorted in the table's files; by default the key. */
  readonly sort?: readonly (keyof z.input<Schema> & string)[];
  readonly checks?: readonly Check[];
  readonly compatibility?: Compatibility;
  /** Fields, or paths through records, that say whose data a record is. */
  readonly subject?: readonly string[];
  readonly tags?: readonly string[];
  readonly retention?: Retention;
  /** How far the order's first field, a time, may lie in the future at the door, such as `"5m"`. */
  readonly maxAhead?: string;
  /** The dataset that this one continues. */
  readonly predecessor?: string;
  /** Fields that are gone for good. */
  readonly removed?: readonly (string | RemovedField)[];
}

/**
 * Declares a dataset from a Zod 4 schema. How Zod becomes Avro is in docs/formats/contract.md; `.meta({ avro })` says it where Zod has no word,
 * `.meta({ description })` documents a field, `.meta({ pii: true })` marks personal data and `.meta({ aliases: ["seat"] })` says what the field was
 * called, on whatever wrapper they stand.
 * Refinements become checks, which the door applies to every record.
 *
 * Throws `contract.invalid` or `contract.unsupported` with every fault in `facts.issues`: among them all that Zod can say and a contract cannot.
 */
export function dataset<Schema extends z.ZodObject>(spec: DatasetSpec<Schema>): DatasetContract<z.input<Schema>> {
  const { schema, checks, ...rest } = spec;
  const issues = new IssueList();
  const walker = new ZodWalker(spec.name, issues);
  // Modules are run without their types being checked.
  const record = isZod(schema)
    ? walker.root(schema)
    : issues.invalid("schema", "The schema must be a z.object() of Zod 4; the JSON form goes into a .json or .yaml file.");
  if (issues.list.length > 0) {
    throw new ContractError(issues.code, issuesSentence(`The contract of ${spec.name} is not valid`, issues.list), { dataset: spec.name, issues: issues.list });
  }
  return parseContract({ formatVersion: 1, ...rest, schema: record, checks: [...walker.checks, ...(checks ?? [])] });
}
