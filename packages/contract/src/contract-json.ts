import { toSchemaJson } from "./avro/schema-text.ts";
import type { Contract } from "./contract.ts";

/** The JSON form of a contract (docs/formats/contract.md): what the registry stores and the API gives. `parseContract` reads it back. */
export interface ContractJson extends Omit<Contract, "schema"> {
  /** Avro, as other programs read it. */
  readonly schema: unknown;
}

/** Every property in a fixed order, so that equal contracts have equal text. What was left to its default is written out. */
export function formatContract(contract: Contract): ContractJson {
  return {
    formatVersion: 1,
    name: contract.name,
    ...(contract.description === undefined ? {} : { description: contract.description }),
    ...(contract.owner === undefined ? {} : { owner: contract.owner }),
    schema: toSchemaJson(contract.schema),
    key: contract.key,
    order: contract.order,
    merge: { kind: contract.merge.kind },
    partition: contract.partition.map(({ field, transform, width }) => ({ field, transform, ...(width === undefined ? {} : { width }) })),
    immutable: contract.immutable,
    checks: contract.checks,
    compatibility: contract.compatibility,
  };
}
