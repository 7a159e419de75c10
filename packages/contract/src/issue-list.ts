import { type Issue, schemaLimits } from "./avro/schema.ts";
import type { ContractCode } from "./errors.ts";
import { rawInteger } from "./exact-json.ts";

/** Collects the faults of a declaration, so that all are reported at once. */
export class IssueList {
  readonly list: Issue[] = [];
  #invalid = false;

  /** A fault that the declaration must mend. Gives undefined, so that a reader of a part can end with it. */
  invalid(path: string, message: string): undefined {
    this.#invalid = true;
    this.#push(path, message);
    return undefined;
  }

  /** Something that is right in itself, but not supported. */
  unsupported(path: string, message: string): undefined {
    this.#push(path, message);
    return undefined;
  }

  onlyProperties(json: Readonly<Record<string, unknown>>, options: { readonly path: string; readonly known: readonly string[] }): void {
    for (const property of Object.keys(json)) {
      if (!options.known.includes(property))
        this.invalid(`${options.path}.${property.slice(0, 100)}`, `There is no such property here; there are ${options.known.join(", ")}.`);
    }
  }

  get code(): ContractCode {
    return this.#invalid || this.list.length === 0 ? "contract.invalid" : "contract.unsupported";
  }

  #push(path: string, message: string): void {
    if (this.list.length < schemaLimits.issuesMax) this.list.push({ path, message });
  }
}

export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** A value of a declaration as a message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? rawInteger(inner) : inner)) as string | undefined;
  return text === undefined || text.length <= 100 ? String(text) : `${text.slice(0, 100)}…`;
}
