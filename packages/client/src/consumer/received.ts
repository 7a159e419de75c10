import type { Stamped } from "@mainstem/contract";

/**
 * What a record of a dataset looks like when it is read, from what it looks like when it is sent: every field is there, with null or the default where
 * it was left out; integers beyond what a number holds are text.
 */
export type Received<Input> = Input extends Stamped
  ? never
  : Input extends bigint
    ? number | string
    : Input extends readonly (infer Item)[]
      ? readonly Received<Item>[]
      : Input extends object
        ? { readonly [Field in keyof Input]-?: undefined extends Input[Field] ? Received<Exclude<Input[Field], undefined>> | null : Received<Input[Field]> }
        : Input;

/** One record, and where it stands in the log. */
export interface ConsumedRecord<Value> {
  readonly dataset: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was appended, RFC 3339 in UTC. */
  readonly timestamp: string;
  /** The value of a single key field, else an object of the key fields. */
  readonly key: unknown;
  /** Null deletes the key, in datasets that are ordered by the log. */
  readonly value: Value | null;
}

/** Records of one partition, in order. */
export interface ConsumedBatch<Value> {
  readonly dataset: string;
  readonly partition: number;
  readonly records: readonly ConsumedRecord<Value>[];
}

/** A record that the server could not read. */
export interface UnreadableRecord {
  readonly dataset: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: string;
  readonly key: unknown;
  readonly error: { readonly code: string; readonly message: string };
}
