import { MainstemError } from "../runtime/errors.ts";
import type { Json, JsonObject } from "./json.ts";

/** A place in a parsed JSON object, such as `snapshots[3].timestamp-ms`: what is read from it is checked, and a fault names object and place. */
export class JsonPlace {
  readonly #value: Json | undefined;
  readonly #path: string;
  readonly #key: string;

  constructor(value: Json | undefined, { path, key }: { readonly path: string; readonly key: string }) {
    this.#value = value;
    this.#path = path;
    this.#key = key;
  }

  get absent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  /** The error for something wrong here. */
  fault(sentence: string): MainstemError {
    const place = this.#path === "" ? "its whole" : this.#path;
    return new MainstemError("table.corrupt", `Object ${this.#key} is not the metadata of a table: ${place} ${sentence}.`, {
      key: this.#key,
      path: this.#path,
    });
  }

  at(name: string): JsonPlace {
    return new JsonPlace(this.object()[name], { path: this.#path === "" ? name : `${this.#path}.${name}`, key: this.#key });
  }

  object(): JsonObject {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.fault("should be an object");
    return value as JsonObject;
  }

  list(): readonly JsonPlace[] {
    if (!Array.isArray(this.#value)) throw this.fault("should be a list");
    return this.#value.map((item: Json, index) => new JsonPlace(item, { path: `${this.#path}[${index}]`, key: this.#key }));
  }

  text(): string {
    if (typeof this.#value !== "string") throw this.fault("should be a text");
    return this.#value;
  }

  boolean(): boolean {
    if (typeof this.#value !== "boolean") throw this.fault("should be true or false");
    return this.#value;
  }

  /** An integer of at least `from` that a number holds exactly. */
  integer({ from }: { readonly from: number }): number {
    if (typeof this.#value !== "number" || !Number.isSafeInteger(this.#value) || this.#value < from) throw this.fault(`should be an integer from ${from}`);
    return this.#value;
  }

  /** A 64-bit integer. */
  long(): bigint {
    if (typeof this.#value === "bigint" && BigInt.asIntN(64, this.#value) === this.#value) return this.#value;
    return BigInt(this.integer({ from: Number.MIN_SAFE_INTEGER }));
  }

  texts(): Readonly<Record<string, string>> {
    for (const [name, value] of Object.entries(this.object())) if (typeof value !== "string") throw this.at(name).fault("should be a text");
    return this.object() as Readonly<Record<string, string>>;
  }
}
