import type { PartitionScalar } from "../../../iceberg/index.ts";

/** The partitions that a build meets, numbered from 0: the engine carries numbers, the manifests get the values. */
export class Partitions {
  readonly #values: (readonly PartitionScalar[])[] = [];
  readonly #numbers = new Map<unknown, number>();

  number(values: readonly PartitionScalar[]): number {
    const key = values.length > 1 ? JSON.stringify(values.map(keyOf)) : keyOf(values[0] ?? null);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#values.push(values) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  get values(): readonly (readonly PartitionScalar[])[] {
    return this.#values;
  }
}

/** Text or a number that is the same for the same value, and only for it. */
function keyOf(value: PartitionScalar): string | number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return `i${value}`;
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString("hex")}`;
  return typeof value === "string" ? `s${value}` : `v${value}`;
}
