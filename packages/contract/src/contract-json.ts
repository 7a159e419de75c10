import { toSchemaJson } from "./avro/schema-text.ts";
import type { Contract, Deletes, RemovedField } from "./contract.ts";

/** The JSON form of a contract (docs/formats/contract.md): what the registry stores and the API gives. `parseContract` reads it back. */
export interface ContractJson extends Omit<Contract, "schema" | "removed"> {
  /** Avro, as other programs read it. */
  readonly schema: unknown;
  readonly removed?: readonly (string | RemovedField)[];
}

/** Every property in a fixed order, so that equal contracts have equal text. What was left to its default is written out. */
export function formatContract(contract: Contract): ContractJson {
  return {
    formatVersion: 1,
    name: contract.name,
    ...optional({ description: contract.description, owner: contract.owner }),
    schema: toSchemaJson(contract.schema),
    key: contract.key,
    order: contract.order,
    merge: contract.merge.kind === "fields" ? { kind: "fields", fields: contract.merge.fields } : { kind: contract.merge.kind },
    ...optional({ deletes: contract.deletes && formatDeletes(contract.deletes) }),
    partition: contract.partition.map(({ field, transform, width }) => ({ field, transform, ...(width === undefined ? {} : { width }) })),
    immutable: contract.immutable,
    sort: contract.sort,
    checks: contract.checks,
    compatibility: contract.compatibility,
    ...optional({ subject: contract.subject }),
    tags: contract.tags,
    ...optional({ retention: contract.retention && optional({ log: contract.retention.log, logBytes: contract.retention.logBytes }) }),
    ...optional({ maxAhead: contract.maxAhead, predecessor: contract.predecessor }),
    ...optional({ removed: contract.removed?.map(({ name, place }) => (place === undefined ? name : { name, place })) }),
  };
}

function formatDeletes({ field, values, horizon }: Deletes): Deletes {
  return { field, ...optional({ values, horizon }) };
}

/** What is not there is not written. */
function optional<Parts extends object>(parts: Parts): { readonly [P in keyof Parts]?: Exclude<Parts[P], undefined> } {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Parts;
}
