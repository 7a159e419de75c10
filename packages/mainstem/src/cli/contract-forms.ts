import { formatContract, toAvsc, toOdcs, toTypescript, type Contract } from "@mainstem/contract";

/** The forms that a contract can be written in. */
export const contractForms = ["json", "yaml", "avsc", "odcs", "typescript"] as const;
export type ContractForm = (typeof contractForms)[number];

/** The contract as the text of a file that ends in a line feed. `apply` takes every form back, `avsc` beside a contract file. */
export async function writeForm(
  contract: Contract,
  { form, version }: { readonly form: ContractForm; readonly version?: number | undefined },
): Promise<string> {
  switch (form) {
    case "json":
      return `${JSON.stringify(formatContract(contract), undefined, 2)}\n`;
    case "yaml":
      return await toYaml(formatContract(contract));
    case "avsc":
      return `${JSON.stringify(toAvsc(contract), undefined, 2)}\n`;
    case "odcs":
      return await toYaml(toOdcs(contract, version === undefined ? {} : { version: String(version) }));
    case "typescript":
      return toTypescript(contract);
    default:
      return form satisfies never;
  }
}

async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
