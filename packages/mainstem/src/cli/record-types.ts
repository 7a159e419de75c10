import { parseContract, toRecordTypes } from "@mainstem/contract";
import { Command } from "commander";
import { path } from "./client.ts";
import type { Start } from "./context.ts";
import { writeText } from "./export.ts";

/** `mainstem types NAME…` */
export function typesCommand(start: Start): Command {
  const command = new Command("types")
    .description("write TypeScript types for datasets: records as they are sent, and as they are read in JSON")
    .argument("<name...>", "namespace.name")
    .option("-o, --out <file>", "write them there instead of to standard output")
    .addHelpText("after", "\nExamples:\n  mainstem types shop.orders\n  mainstem types shop.orders shop.customers --out src/datasets.ts");
  return command.action((names: readonly string[], options: { readonly out?: string }) =>
    start(command, async (context) => {
      const { client, signal } = context;
      const answers = await Promise.all(names.map((name) => client.call({ path: path`/v1/definitions/dataset/${name}`, signal })));
      const definitions = answers.map(({ body }) => body as { readonly spec: unknown; readonly name: string; readonly version: number });
      const from = definitions.map(({ name, version }) => `${name} (version ${version})`).join(", ");
      const text = `// Written by \`mainstem types\` from ${from}; write it again instead of editing it.\n\n${toRecordTypes(definitions.map(({ spec }) => parseContract(spec)))}`;
      await writeText(context, { text, out: options.out, about: { names } });
    }),
  );
}
