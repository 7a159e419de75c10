import { Command } from "commander";
import { CliFailure, exitCodes } from "./failure.ts";

export interface SelectionOptions {
  readonly group?: string;
  readonly id?: string;
  readonly all?: true;
}

/** A command of the inbox that is about the entries of one dataset. */
export function leaf(verb: string, description: string): Command {
  return new Command(verb).description(description).argument("<name>", "namespace.name");
}

export function selecting(verb: string, description: string): Command {
  return leaf(verb, description)
    .option("--group <group>", "the entries of one cause, as `inbox list` shows them")
    .option("--id <id>", "one entry")
    .option("--all", "every entry that waits");
}

/** Exactly one of them: nobody drops everything by leaving a word out. */
export function toSelection({ group, id, all }: SelectionOptions): Readonly<Record<string, string | true>> {
  const given = Object.entries({ group, id, all }).filter((one): one is [string, string | true] => one[1] !== undefined);
  if (given.length !== 1) throw new CliFailure("cli.usage", "Say which entries.", { remedy: "Give one of --group, --id or --all.", exitCode: exitCodes.usage });
  return Object.fromEntries(given);
}

export function examples(...lines: readonly string[]): string {
  return ["\nExamples:", ...lines.map((line) => `  ${line}`)].join("\n");
}
