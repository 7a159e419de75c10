import { writeFile } from "node:fs/promises";
import { parseContract } from "@mainstem/contract";
import { Command, Option } from "commander";
import { path } from "./client.ts";
import { print, type Context, type Start } from "./context.ts";
import { readDeclarations, sayNotes } from "./contract-files.ts";
import { contractForms, writeForm, type ContractForm } from "./contract-forms.ts";
import { CliFailure } from "./failure.ts";

interface ExportOptions {
  readonly format: ContractForm;
  readonly out?: string;
}
interface ConvertOptions extends ExportOptions {
  readonly name?: string;
}

const formatOption = (): Option => new Option("-f, --format <format>", "the form to write").choices(contractForms).default("yaml");
const outOption = ["-o, --out <file>", "write it there instead of to standard output"] as const;

/** `mainstem export NAME` */
export function exportCommand(start: Start): Command {
  const command = new Command("export")
    .description("write a dataset's contract in any form in which it can be declared")
    .argument("<name>", "namespace.name")
    .addOption(formatOption())
    .option(...outOption)
    .addHelpText(
      "after",
      "\nodcs is an Open Data Contract Standard 3.1 file; avsc is the schema alone." +
        "\n\nExamples:\n  mainstem export shop.orders\n  mainstem export shop.orders --format typescript --out orders.ts\n  mainstem export shop.orders --format odcs --out orders.odcs.yaml",
    );
  return command.action((name: string, options: ExportOptions) =>
    start(command, async (context) => {
      const form = options.format;
      const { body } = await context.client.call({ path: path`/v1/definitions/dataset/${name}`, signal: context.signal });
      const { spec, version } = body as { readonly spec: unknown; readonly version: number };
      await writeText(context, { text: await writeForm(parseContract(spec), { form, version }), out: options.out, about: { name, version, format: form } });
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
    .option("--name <name>", "which dataset, where the file declares several")
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem convert orders.odcs.yaml --format typescript --out orders.ts\n  mainstem convert datasets.ts --name shop.orders --format avsc",
    );
  return command.action((file: string, options: ConvertOptions) =>
    start(
      command,
      async (context) => {
        const form = options.format;
        const declarations = await readDeclarations(file);
        const [declaration, ...others] = options.name === undefined ? declarations : declarations.filter(({ name }) => name === options.name);
        if (declaration === undefined || others.length > 0)
          throw new CliFailure("cli.usage", `${file} declares ${declarations.map(({ name }) => name).join(", ")}.`, {
            remedy: "Choose one of them with --name.",
            exitCode: 2,
          });
        sayNotes(context, [declaration]);
        const text = await writeForm(parseContract(declaration.contract), { form });
        await writeText(context, { text, out: options.out, about: { name: declaration.name, format: form } });
      },
      { server: "none" },
    ),
  );
}

/** To the file, or as it is to standard output; with `--json` in one object. */
export async function writeText(
  context: Context,
  { text, out, about }: { readonly text: string; readonly out: string | undefined; readonly about: Readonly<Record<string, unknown>> },
): Promise<void> {
  if (out !== undefined) await writeFile(out, text).catch((cause: unknown) => Promise.reject(cannotWrite(out, cause)));
  await print(context, { ...about, ...(out === undefined ? { text } : { file: out }) }, () =>
    out === undefined ? [text.replace(/\n$/, "")] : [`wrote ${out}`],
  );
}

function cannotWrite(file: string, cause: unknown): CliFailure {
  return new CliFailure("cli.file", `${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
