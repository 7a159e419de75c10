import { createProgram, everyCommand } from "../../packages/mainstem/src/cli/program.ts";
import { madeFrom, toBlock, toTable, type Page } from "./page.ts";

type Command = ReturnType<typeof createProgram>;
type Option = Command["options"][number];
type Argument = Command["registeredArguments"][number];

/** Every command with its arguments, options, notes and examples: what `--help` says. */
export function cliPage(): Page {
  const program = createProgram(async () => undefined);
  const [, ...commands] = everyCommand(program);
  const text = [
    "# The command line",
    "",
    program.description(),
    "",
    madeFrom("the commands in `packages/mainstem/src/cli`"),
    "",
    "## Options of every command",
    "",
    optionsTable(program.options),
    "",
    toBlock(notesOf(program)),
    "",
    "How commands end and which server they talk to is in [Running](../operations/running.md). `mainstem <command> --help` says what stands here.",
    "",
    ...commands.flatMap(section),
  ].join("\n");
  return { path: "docs/reference/cli.md", text };
}

function section(command: Command): readonly string[] {
  const { registeredArguments: args, options } = command;
  return [
    `${"#".repeat(command.parent?.parent == null ? 2 : 3)} ${nameOf(command)}`,
    "",
    `${capitalised(command.description())}.`,
    "",
    toBlock(`${nameOf(command)} ${command.usage()}`),
    "",
    ...(args.length === 0 ? [] : [toTable(["argument", ""], args.map(argumentRow)), ""]),
    ...(options.length === 0 ? [] : [optionsTable(options), ""]),
    toBlock(notesOf(command)),
    "",
  ];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function argumentRow(argument: Argument): readonly string[] {
  const { description, defaultValue, required, variadic } = argument;
  const shape = `${argument.name()}${variadic ? "..." : ""}`;
  return [`\`${required ? `<${shape}>` : `[${shape}]`}\``, `${description}${defaultOf(defaultValue)}`];
}

function optionsTable(options: readonly Option[]): string {
  const rows = options.map(({ flags, description, defaultValue, argChoices, mandatory, negate }) => {
    const choices = argChoices === undefined ? "" : `: ${argChoices.join(", ")}`;
    return [`\`${flags}\``, `${description}${choices}${negate ? "" : defaultOf(defaultValue)}${mandatory ? " (needed)" : ""}`];
  });
  return toTable(["option", ""], rows);
}

function defaultOf(value: unknown): string {
  return typeof value === "string" && value !== "" ? ` (default: ${value})` : "";
}

/** What the help says after the lists: notes and examples. */
function notesOf(command: Command): string {
  let help = "";
  command.configureOutput({ writeOut: (part) => (help += part), getOutHelpWidth: () => 120 });
  command.outputHelp();
  return help.slice(command.helpInformation().length);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");
}
