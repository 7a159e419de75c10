import { formatContract } from "../contract-json.ts";
import { parseContract } from "../contract-parser.ts";
import type { Contract } from "../contract.ts";
import { alignContract, withNames } from "../field-names.ts";
import { ContractError } from "../errors.ts";
import { checkSchemaChange } from "../schema-change.ts";
import type { Random } from "./random-schemas.ts";

type Json = Readonly<Record<string, unknown>>;

/** A later declaration of a dataset, as it is stored, that rows can follow without being built again: fields renamed, widened, added and perhaps removed. */
export function randomChange(contract: Contract, random: Random, { removing }: { readonly removing: boolean }): Contract {
  for (let attempt = 0; attempt < 100; attempt++) {
    let next = contract;
    for (let steps = 1 + random(3); steps > 0; steps--) next = changeOnce(next, random, removing) ?? next;
    const change = checkSchemaChange(contract, next);
    if (change.kind === "compatible") return alignContract(contract, next);
  }
  return contract;
}

/** Undefined where what was tried is no declaration. */
function changeOnce(contract: Contract, random: Random, removing: boolean): Contract | undefined {
  const { fields } = contract.schema;
  const field = fields[random(fields.length)]!;
  const fresh = `x${random(1_000_000)}`;
  const kind = random(removing ? 4 : 3);
  if (kind === 0) {
    // Some names differ in nothing but case; and one comes back to its field now and then.
    const cased = /[a-z]/.test(field.name) ? field.name.toUpperCase() : fresh;
    const former = field.aliases?.[0];
    const name = [fresh, cased, former ?? fresh][random(3)]!;
    const renamed = withNames(contract, new Map([[field.name, name]]));
    const aliases = [field.name, ...(field.aliases ?? [])].filter((one) => one !== name);
    return parsed({ ...renamed, schema: { ...contract.schema, fields: fields.map((one) => (one === field ? { ...one, name, aliases } : one)) } });
  }
  if (kind === 1) {
    const json = formatContract(contract);
    const schema = json.schema as { readonly fields: readonly Json[] };
    const wider = schema.fields.map((one) => (one["name"] === field.name ? { ...one, type: widerType(one["type"], random) } : one));
    return parsed({ ...json, schema: { ...schema, fields: wider } });
  }
  if (kind === 2) {
    const added = [
      { name: fresh, type: "int", default: 7 },
      { name: fresh, type: ["null", "string"], default: null },
      { name: fresh, type: { type: "array", items: "string" }, default: ["x"] },
    ][random(3)]!;
    const json = formatContract(contract);
    const schema = json.schema as { readonly fields: readonly Json[] };
    return parsed({ ...json, schema: { ...schema, fields: [added, ...schema.fields] } });
  }
  // Files that are there would keep the order that they have, which is another then.
  if (contract.sort.includes(field.name)) return undefined;
  const rest = { removed: [...(contract.removed ?? []), { name: field.name }] };
  return parsed({ ...contract, ...rest, schema: { ...contract.schema, fields: fields.filter((one) => one !== field) } });
}

/** As `alignContract` is told: places and earlier names come from the contract before. */
function parsed(declared: object): Contract | undefined {
  try {
    const { removed, ...json } = declared as { readonly removed?: Contract["removed"] };
    const names = removed?.map((one: string | { readonly name: string }) => (typeof one === "string" ? one : one.name));
    const schema = "schema" in json ? json.schema : undefined;
    return parseContract({ ...json, schema, ...(names === undefined ? {} : { removed: names }) });
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
}

function widerType(json: unknown, random: Random): unknown {
  if (Array.isArray(json)) return json.map((branch: unknown) => (branch === "null" ? branch : widerType(branch, random)));
  const wider = widerInner(json, random);
  return random(4) === 0 && json !== "null" ? [wider, "null"] : wider;
}

function widerInner(json: unknown, random: Random): unknown {
  if (json === "int") return "long";
  if (json === "float") return "double";
  if (typeof json !== "object" || json === null) return json;
  const type = json as Json;
  if (type["logicalType"] === "decimal" && type["type"] === "bytes") return { ...type, precision: Math.min(38, Number(type["precision"]) + 3) };
  if (type["type"] === "enum") return { ...type, symbols: [...(type["symbols"] as readonly string[]), `S${random(1_000_000)}`] };
  if (type["type"] === "array") return { ...type, items: widerNested(type["items"], random) };
  if (type["type"] === "map") return { ...type, values: widerNested(type["values"], random) };
  if (type["type"] !== "record") return json;
  const fields = (type["fields"] as readonly Json[]).map((field) => ({ ...field, type: widerNested(field["type"], random) }));
  return { ...type, fields: [{ name: `y${random(1_000_000)}`, type: ["null", "int"], default: null }, ...fields] };
}

function widerNested(json: unknown, random: Random): unknown {
  return random(2) === 0 ? json : widerType(json, random);
}
