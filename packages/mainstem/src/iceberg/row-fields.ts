import { corrupt, type AvroRow } from "./avro-file.ts";

/** The fields of one Avro row by Iceberg field id, checked: other writers name and order them in their own way. */
export class RowFields {
  readonly #row: AvroRow;
  readonly #names: ReadonlyMap<number, string>;
  readonly #key: string;

  constructor(row: AvroRow, { names, key }: { readonly names: ReadonlyMap<number, string>; readonly key: string }) {
    this.#row = row;
    this.#names = names;
    this.#key = key;
  }

  /** Undefined where the value is null or the writer has no such field. */
  get(id: number): unknown {
    const name = this.#names.get(id);
    return name === undefined ? undefined : (this.#row[name] ?? undefined);
  }

  fault(id: number, expected: string): Error {
    return corrupt(this.#key, `field ${this.#names.get(id) ?? id} of a row should be ${expected}`);
  }

  /** A count, size or number: an integer from 0 that a number holds exactly. */
  count(id: number, otherwise?: number): number {
    const value = this.get(id) ?? otherwise;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw this.fault(id, "a number from 0");
    return value;
  }

  optionalCount(id: number): number | undefined {
    return this.get(id) === undefined ? undefined : this.count(id);
  }

  long(id: number): bigint {
    const value = this.get(id);
    if (typeof value !== "number" && typeof value !== "bigint") throw this.fault(id, "a 64-bit number");
    return BigInt(value);
  }

  text(id: number): string {
    const value = this.get(id);
    if (typeof value !== "string") throw this.fault(id, "a text");
    return value;
  }

  bytes(id: number): Uint8Array | undefined {
    const value = this.get(id);
    if (value !== undefined && !(value instanceof Uint8Array)) throw this.fault(id, "bytes");
    return value;
  }

  record(id: number): AvroRow {
    const value = this.get(id);
    if (typeof value !== "object" || Array.isArray(value) || value instanceof Uint8Array || value instanceof Map) throw this.fault(id, "a record");
    return value as AvroRow;
  }

  list(id: number): readonly unknown[] | undefined {
    const value = this.get(id);
    if (value !== undefined && !Array.isArray(value)) throw this.fault(id, "a list");
    return value;
  }

  /** A map by field id, which Avro has as a list of records with two fields: the key, then the value. */
  intMap<Value>(id: number, toValue: (value: unknown) => Value | undefined): ReadonlyMap<number, Value> {
    const map = new Map<number, Value>();
    for (const item of this.list(id) ?? []) {
      const [key, raw] = typeof item === "object" && item !== null ? Object.values(item) : [];
      const value = toValue(raw);
      if (typeof key !== "number" || value === undefined) throw this.fault(id, "a map by field id");
      map.set(key, value);
    }
    return map;
  }
}
