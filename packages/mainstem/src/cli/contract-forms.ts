import { formatContract, formatExact, toAvsc, toOdcs, toTypescript, type Contract } from "@mainstem/contract";

/** The forms that a contract can be written in. */
export const contractForms = ["json", "yaml", "avsc", "odcs", "typescript"] as const;
export type ContractForm = (typeof contractForms)[number];

/**
 * The contract as the text of a file that ends in a line feed. `apply` takes every form back, `avsc` beside a contract file: that is `json` or `yaml`
 * with `schemaFile`, which then stands in place of the schema.
 */
export async function writeForm(
  contract: Contract,
  { form, version, schemaFile }: { readonly form: ContractForm; readonly version?: number | undefined; readonly schemaFile?: string | undefined },
): Promise<string> {
  const json = { ...formatContract(contract), ...(schemaFile === undefined ? {} : { schema: schemaFile }) };
  switch (form) {
    case "json":
      return `${formatExact(json, { indent: 2 })}\n`;
    case "yaml":
      return await toYaml(json);
    case "avsc":
      return `${formatExact(toAvsc(contract), { indent: 2 })}\n`;
    case "odcs":
      return await toYaml(toOdcs(contract, version === undefined ? {} : { version: String(version) }));
    case "typescript":
      return toTypescript(contract);
    default:
      return form satisfies never;
  }
}

async function toYaml(value: unknown): Promise<string> {
  const { Document, visit } = await import("yaml");
  const document = new Document(value, { aliasDuplicateObjects: false });
  // Bare it would be a merge key when it is read.
  visit(document, {
    Scalar: (place, scalar) => {
      if (place === "key" && scalar.value === "<<") scalar.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ lineWidth: 0 });
}
