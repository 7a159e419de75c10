import { parseContract } from "@mainstem/contract";
import { Command } from "commander";
import { path } from "./client.ts";
import { print, printList, type Context, type Start } from "./context.ts";
import type { Declaration } from "./contract-files.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { askPlans, describePlan, readFiles } from "./plan.ts";
import { readProvenance } from "./provenance.ts";

interface Applied {
  readonly kind: "created" | "changed" | "unchanged";
  readonly name: string;
  readonly version: number;
  readonly changes?: readonly string[];
  readonly rebuilt?: readonly string[];
}

interface ApplyOptions {
  readonly check?: boolean;
  readonly rebuild?: boolean;
  readonly provenance?: string;
}

/** `mainstem apply FILE…` */
export function applyCommand(start: Start): Command {
  const command = new Command("apply")
    .description("register datasets, or change them: modules that export contracts (.ts, .js), contract files (.json, .yaml), or ODCS files")
    .argument("<file...>", "files that declare datasets")
    .option("--check", "change nothing; exit code 1, with what would change or cannot, if a file is not applied as it is, whether or not that needs consent")
    .option("--rebuild", "consent to changes that the table follows only once it is built again (order, merge, partition, deletes, a default)")
    .option("--provenance <text>", "where the files come from, for the history (default: the commit, from CI's variables or git)")
    .addHelpText(
      "after",
      "\nApplying the same again changes nothing." +
        "\n\nExamples:\n  mainstem apply datasets.ts\n  mainstem apply orders.yaml customers.odcs.yaml\n  mainstem apply --check datasets.ts",
    );
  return command.action((files: readonly string[], options: ApplyOptions) =>
    start(command, (context) => (options.check === true ? check(context, files) : apply(context, { ...options, files }))),
  );
}

async function check(context: Context, files: readonly string[]): Promise<ExitCode> {
  const plans = await askPlans(context, await readFiles(context, files));
  await printList(context, plans, (list) => list.flatMap(describePlan));
  const pending = plans.filter(({ kind }) => kind !== "unchanged").length;
  if (pending > 0 && !context.json)
    context.terminal.say(`${pending} of ${plans.length} ${plans.length === 1 ? "dataset is" : "datasets are"} not applied as declared`);
  return pending === 0 ? exitCodes.ok : exitCodes.failed;
}

async function apply(context: Context, options: ApplyOptions & { readonly files: readonly string[] }): Promise<void> {
  // Nothing is changed before all files were read, and all that they declare is known to be contracts.
  const declarations = await readFiles(context, options.files);
  for (const { contract } of declarations) parseContract(contract);
  const provenance = options.provenance ?? (await readProvenance({ cwd: process.cwd(), env: process.env }));
  const { client, signal } = context;
  for (const [index, { name, contract }] of declarations.entries()) {
    const call = {
      method: "PUT",
      path: path`/v1/definitions/dataset/${name}`,
      query: { provenance, rebuild: options.rebuild },
      body: contract,
      signal,
    } as const;
    const { body } = await client.call(call).catch((error: unknown) => Promise.reject(endingAt(error, declarations.slice(index + 1)) as Error));
    await print(context, body as Applied, describe);
  }
}

/** The failure that ends it, which also says what comes after it. */
function endingAt(error: unknown, rest: readonly Declaration[]): unknown {
  if (!(error instanceof CliFailure) || rest.length === 0) return error;
  const { code, message, remedy = "", exitCode, facts } = error;
  const notTried = `Not tried: ${rest.map(({ name }) => name).join(", ")}.`;
  return new CliFailure(code, message, { remedy: `${remedy} ${notTried}`.trimStart(), exitCode, facts, cause: error });
}

function describe({ kind, name, version, changes = [], rebuilt = [] }: Applied): readonly string[] {
  const next = rebuilt.length === 0 ? [] : [`  its table stays as it is until it is built again: mainstem rebuild ${name}`];
  return [`${kind.padEnd(9)} ${name}  version ${version}`, ...changes.map((change) => `  ${change}`), ...next];
}
