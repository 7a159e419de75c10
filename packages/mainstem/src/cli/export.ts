import { writeFile } from "node:fs/promises";
import { dirname, isAbsolute, relative, sep } from "node:path";
import { parseContract, type Contract } from "@mainstem/contract";
import { Command, Option } from "commander";
import { path } from "./client.ts";
import { print, type Context, type Start } from "./context.ts";
import { readDeclarations, sayNotes } from "./contract-files.ts";
import { contractForms, writeForm, type ContractForm } from "./contract-forms.ts";
import { CliFailure } from "./failure.ts";

interface ExportOptions {
  readonly format: ContractForm;
  readonly out?: string;
  readonly schema?: string;
}
interface ConvertOptions extends ExportOptions {
  readonly name?: string;
}

const formatOption = (): Option => new Option("-f, --format <format>", "the form to write").choices(contractForms).default("yaml");
const outOption = ["-o, --out <file>", "write it there instead of to standard output"] as const;
const schemaOption = ["--schema <file>", "with yaml and json: write the schema to this .avsc file, which the contract then names"] as const;

/** `mainstem export NAME` */
export function exportCommand(start: Start): Command {
  const command = new Command("export")
    .description("write a dataset's contract in any form in which it can be declared")
    .argument("<name>", "namespace.name")
    .addOption(formatOption())
    .option(...outOption)
    .option(...schemaOption)
    .addHelpText(
      "after",
      "\nodcs is an Open Data Contract Standard 3.1 file; avsc is the schema alone." +
        "\n\nExamples:\n  mainstem export shop.orders\n  mainstem export shop.orders --format typescript --out orders.ts\n  mainstem export shop.orders --format odcs --out orders.odcs.yaml\n  mainstem export shop.orders --out orders.yaml --schema orders.avsc",
    );
  return command.action((name: string, options: ExportOptions) =>
    start(command, async (context) => {
      checkSchemaFile(options);
      const { body } = await context.client.call({ path: path`/v1/definitions/dataset/${name}`, signal: context.signal });
      const { spec, version } = body as { readonly spec: unknown; readonly version: number };
      await writeContract(context, parseContract(spec), { options, about: { name, version }, version });
    }),
  );
}

/** `mainstem convert FILE` */
export function convertCommand(start: Start): Command {
  const command = new Command("convert")
    .description("write the contract that a file declares in another form; needs no server")
    .argument("<file>", "a file that declares a dataset, in any form")
    .addOption(formatOption())
    .option(...outOption)
    .option(...schemaOption)
    .option("--name <name>", "which dataset, where the file declares several")
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem convert orders.odcs.yaml --format typescript --out orders.ts\n  mainstem convert datasets.ts --name shop.orders --format avsc",
    );
  return command.action((file: string, options: ConvertOptions) =>
    start(
      command,
      async (context) => {
        checkSchemaFile(options);
        const declarations = await readDeclarations(file);
        const [declaration, ...others] = options.name === undefined ? declarations : declarations.filter(({ name }) => name === options.name);
        if (declaration === undefined || others.length > 0)
          throw new CliFailure("cli.usage", `${file} declares ${declarations.map(({ name }) => name).join(", ")}.`, {
            remedy: "Choose one of them with --name.",
            exitCode: 2,
          });
        sayNotes(context, [declaration]);
        await writeContract(context, parseContract(declaration.contract), { options, about: { name: declaration.name } });
      },
      { server: "none" },
    ),
  );
}

function checkSchemaFile({ format, schema }: ExportOptions): void {
  if (schema === undefined || (schema.endsWith(".avsc") && (format === "yaml" || format === "json"))) return;
  throw new CliFailure("cli.usage", "--schema takes a file that ends in .avsc, with --format yaml or json.", {
    remedy: "For the schema alone, leave it out and say --format avsc.",
    exitCode: 2,
  });
}

async function writeContract(
  context: Context,
  contract: Contract,
  {
    options: { format: form, out, schema },
    about,
    version,
  }: { readonly options: ExportOptions; readonly about: Readonly<Record<string, unknown>>; readonly version?: number },
): Promise<void> {
  const beside = schema === undefined ? undefined : { file: schema, text: await writeForm(contract, { form: "avsc" }) };
  const schemaFile = schema === undefined ? undefined : pathFrom(out === undefined ? "." : dirname(out), schema);
  await writeText(context, { text: await writeForm(contract, { form, version, schemaFile }), out, beside, about: { ...about, format: form } });
}

/** As a contract file names its schema: relative to itself, with slashes. */
function pathFrom(folder: string, file: string): string {
  const named = relative(folder, file).replaceAll(sep, "/");
  return named.startsWith("../") || isAbsolute(named) ? named : `./${named}`;
}

/** To the file, or as it is to standard output, and what stands beside it to its file; with `--json` in one object. */
export async function writeText(
  context: Context,
  {
    text,
    out,
    beside,
    about,
  }: {
    readonly text: string;
    readonly out: string | undefined;
    readonly beside?: { readonly file: string; readonly text: string } | undefined;
    readonly about: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const files = [...(beside === undefined ? [] : [beside]), ...(out === undefined ? [] : [{ file: out, text }])];
  for (const one of files) await writeFile(one.file, one.text).catch((cause: unknown) => Promise.reject(cannotWrite(one.file, cause)));
  const facts = { ...about, ...(beside === undefined ? {} : { schema: beside.file }), ...(out === undefined ? { text } : { file: out }) };
  await print(context, facts, () => (out === undefined ? [text.replace(/\n$/, "")] : files.map(({ file }) => `wrote ${file}`)));
}

function cannotWrite(file: string, cause: unknown): CliFailure {
  return new CliFailure("cli.file", `${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
