import {
  alignContract,
  ContractError,
  formatContract,
  isUnion,
  lostPiiMarks,
  parseContract,
  schemaText,
  toSchemaJson,
  withSchemaInPlace,
  type AvroSchema,
  type Contract,
} from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import type { Dataset, DatasetVersion, Judgement } from "./dataset.ts";

/** A dataset as a series of schemas. */
export interface DatasetSchemas {
  /** The distinct ids of the schemas that the dataset has had, oldest first. */
  idsOf(dataset: Dataset): Promise<readonly number[]>;
  /** The contract with another schema; `registry.incompatible` when that is none, would be stored as another schema, or takes a pii mark away. */
  contractWith(contract: Contract, schema: AvroSchema): Contract;
  /** Why the schema cannot be the dataset's next one, in sentences. */
  refusals(dataset: Dataset, schema: AvroSchema): Promise<readonly string[]>;
}

interface Datasets {
  history(name: string): Promise<readonly DatasetVersion[]>;
  judge(contract: Contract): Promise<Judgement>;
}

export function createDatasetSchemas({ datasets }: { readonly datasets: Datasets }): DatasetSchemas {
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
    async refusals(dataset, schema) {
      try {
        const change = await datasets.judge(contractWith(dataset.contract, schema));
        if (change.kind === "changed")
          return (change.rebuilt ?? []).map((path) => `${path}: This needs the table to be built again; apply the contract with --rebuild.`);
        return change.kind === "refused" ? change.refused.map(({ path, reason, remedy }) => `${path}: ${reason} ${remedy}`) : [];
      } catch (error) {
        if (error instanceof MainstemError && error.code === "registry.incompatible") return [error.message];
        throw error;
      }
    },
  };
}

function contractWith(contract: Contract, schema: AvroSchema): Contract {
  const next = parse(contract, schema);
  // Who registers what it writes with mostly does not know of the mark.
  const unmarked = lostPiiMarks(contract, next);
  if (unmarked.length > 0)
    throw refused(contract.name, `${unmarked.join(", ")} must stay marked "pii": true, which only a declaration of the dataset takes away.`);
  const stored = alignContract(contract, next).schema;
  if (schemaText(stored) === schemaText(schema)) return next;
  // Fields keep their places and names in a dataset. What differs would be stored as another schema than the client writes with.
  const nameless = stored.fields.find((field) =>
    next.schema.fields.some(({ name, aliases }) => name === field.name && aliases?.length !== field.aliases?.length),
  );
  if (nameless !== undefined) throw refused(contract.name, `${nameless.name} must keep the names that it had: "aliases": ${JSON.stringify(nameless.aliases)}.`);
  const order = stored.fields.map(({ name }) => name).join(", ");
  throw refused(
    contract.name,
    `its fields, and those within records, must stand in the order that they have, new ones after them, and types keep their names: ${order}.`,
  );
}

function parse(contract: Contract, schema: AvroSchema): Contract {
  try {
    const isRecord = !isUnion(schema) && schema.type === "record";
    return parseContract(isRecord ? withSchemaInPlace(contract, schema) : { ...formatContract(contract), schema: toSchemaJson(schema) });
  } catch (error) {
    if (error instanceof ContractError) throw refused(contract.name, error.message, error);
    throw error;
  }
}

function refused(dataset: string, reason: string, cause?: unknown): MainstemError {
  return new MainstemError("registry.incompatible", `The schema cannot be that of dataset ${dataset}: ${reason}`, { dataset, reasons: [reason] }, { cause });
}
