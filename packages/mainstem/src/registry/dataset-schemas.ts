import {
  alignContract,
  checkSchemaChange,
  ContractError,
  formatContract,
  parseContract,
  schemaText,
  toSchemaJson,
  type AvroSchema,
  type Contract,
} from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import type { Dataset, DatasetVersion } from "./dataset.ts";

/** A dataset as a series of schemas. */
export interface DatasetSchemas {
  /** The distinct ids of the schemas that the dataset has had, oldest first. */
  idsOf(dataset: Dataset): Promise<readonly number[]>;
  /** The dataset's contract with another schema; `registry.incompatible` when that is no contract, or orders the fields otherwise. */
  contractWith(dataset: Dataset, schema: AvroSchema): Contract;
  /** Why the schema cannot be the dataset's next one, in sentences. */
  refusals(dataset: Dataset, schema: AvroSchema): readonly string[];
}

export function createDatasetSchemas({ datasets }: { readonly datasets: { history(name: string): Promise<readonly DatasetVersion[]> } }): DatasetSchemas {
  const known = new Map<string, { readonly version: number; readonly ids: readonly number[] }>();
  return {
    async idsOf({ contract: { name }, version }) {
      const found = known.get(name);
      if (found !== undefined && found.version >= version) return found.ids;
      const history = await datasets.history(name);
      const ids = [...new Set(history.map(({ schemaId }) => schemaId))];
      known.set(name, { version: history.at(-1)?.version ?? version, ids });
      return ids;
    },
    contractWith,
    refusals(dataset, schema) {
      try {
        const change = checkSchemaChange(dataset.contract, contractWith(dataset, schema));
        if (change.kind === "rebuild")
          return change.rebuilt.map((path) => `${path}: This needs the table to be built again; apply the contract with --rebuild.`);
        return change.kind === "refused" ? change.refused.map(({ path, reason, remedy }) => `${path}: ${reason} ${remedy}`) : [];
      } catch (error) {
        if (error instanceof MainstemError && error.code === "registry.incompatible") return [error.message];
        throw error;
      }
    },
  };
}

function contractWith({ contract }: Dataset, schema: AvroSchema): Contract {
  const next = parse(contract, schema);
  // Fields keep their places in a dataset. Another order would be stored as another schema than the client writes with.
  if (schemaText(alignContract(contract, next).schema) !== schemaText(schema))
    throw refused(
      contract.name,
      `its fields must stand in the order that they have: ${contract.schema.fields.map(({ name }) => name).join(", ")}, new ones after them.`,
    );
  return next;
}

function parse(contract: Contract, schema: AvroSchema): Contract {
  try {
    return parseContract({ ...formatContract(contract), schema: toSchemaJson(schema) });
  } catch (error) {
    if (error instanceof ContractError) throw refused(contract.name, error.message, error);
    throw error;
  }
}

function refused(dataset: string, reason: string, cause?: unknown): MainstemError {
  return new MainstemError("registry.incompatible", `The schema cannot be that of dataset ${dataset}: ${reason}`, { dataset, reasons: [reason] }, { cause });
}
