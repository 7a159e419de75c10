import { toSchemaJson } from "../avro/schema-text.ts";
import type { Contract } from "../contract.ts";
import { ContractError } from "../errors.ts";
import { isObject } from "../issue-list.ts";

/** The contract's schema alone, as an `.avsc` file holds it. Key, order and the rest stand in the contract's own file. */
export function toAvsc(contract: Contract): unknown {
  return toSchemaJson(contract.schema);
}

/** Where a contract file's schema is, when it is a file of its own: `"schema": "./orders.avsc"`. Undefined when the schema stands in the file. */
export function schemaFileOf(contract: unknown): string | undefined {
  if (!isObject(contract)) return undefined;
  const { schema } = contract;
  return typeof schema === "string" && schema.endsWith(".avsc") ? schema : undefined;
}

/**
 * A contract's JSON form with the schema of its `.avsc` in place. A record without a namespace takes the dataset's; what is named otherwise
 * is refused by `parseContract`. Throws `contract.invalid` where the contract is no object.
 */
export function withSchema(contract: unknown, avsc: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(contract)) throw new ContractError("contract.invalid", "A contract must be an object with name, schema, key and order.");
  const { name } = contract;
  if (typeof name !== "string" || !isObject(avsc) || avsc["namespace"] !== undefined || typeof avsc["name"] !== "string" || avsc["name"].includes("."))
    return { ...contract, schema: avsc };
  return { ...contract, schema: { ...avsc, namespace: name.split(".")[0] } };
}
