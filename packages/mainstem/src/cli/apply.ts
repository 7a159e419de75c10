import { Command } from "commander";
import { path } from "./client.ts";
import { print, type Start } from "./context.ts";
import { readDeclarations, sayNotes } from "./contract-files.ts";

interface Applied {
  readonly kind: "created" | "changed" | "unchanged";
  readonly name: string;
  readonly version: number;
  readonly changes?: readonly string[];
}

/** `mainstem apply FILE…` */
export function applyCommand(start: Start): Command {
  const command = new Command("apply")
    .description("register datasets, or change them: modules that export contracts (.ts, .js), contract files (.json, .yaml), or ODCS files")
    .argument("<file...>", "files that declare datasets")
    .addHelpText("after", "\nExamples:\n  mainstem apply datasets.ts\n  mainstem apply orders.yaml customers.json");
  return command.action((files: readonly string[]) =>
    start(command, async (context) => {
      // All files are read before the first dataset is changed.
      const declarations = (await Promise.all(files.map(readDeclarations))).flat();
      sayNotes(context, declarations);
      for (const { name, contract } of declarations) {
        const { body } = await context.client.call({ method: "PUT", path: path`/v1/definitions/dataset/${name}`, body: contract, signal: context.signal });
        await print(context, body as Applied, describe);
      }
    }),
  );
}

function describe({ kind, name, version, changes = [] }: Applied): readonly string[] {
  return [`${kind.padEnd(9)} ${name}  version ${version}`, ...changes.map((change) => `  ${change}`)];
}
