import type { Command } from "commander";

/** What could stand at the end of a command line. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Names of files could stand there too: the shell knows them best. */
  readonly files: boolean;
}

export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** Names that only the server knows; empty where none answers. */
export interface Names {
  datasets(): Promise<readonly Candidate[]>;
  tasks(): Promise<readonly Candidate[]>;
}

const nothing: Completion = { candidates: [], files: false };
const anyFile: Completion = { candidates: [], files: true };

/** Completes the last of the words that stand behind the program's name; it may be empty. Looks at nothing but the commands, and at `names` where one is due. */
export async function completeWords(program: Command, words: readonly string[], names: Names): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const { command, positionals, option, literal } = readWords(program, words.slice(0, -1));
  const complete = async (): Promise<Completion> => {
    if (option !== undefined) return completeValue(option);
    if (current.startsWith("-") && !literal) return { candidates: optionsOf(command), files: false };
    if (command.commands.length > 0) return positionals === 0 ? { candidates: commandsOf(command), files: false } : nothing;
    const args = command.registeredArguments;
    const argument = args[positionals] ?? (args.at(-1)?.variadic === true ? args.at(-1) : undefined);
    if (argument === undefined) return nothing;
    if (argument.argChoices !== undefined) return { candidates: argument.argChoices.map(plain), files: false };
    switch (argument.name()) {
      case "name":
        return { candidates: await names.datasets(), files: false };
      case "task":
        return { candidates: await names.tasks(), files: false };
      case "file":
      case "folder":
        return anyFile;
      default:
        return nothing;
    }
  };
  const { candidates, files } = await complete();
  return { candidates: candidates.filter(({ value }) => value.startsWith(current)), files };
}

type Option = Command["options"][number];

interface Place {
  /** The innermost command that was named. */
  readonly command: Command;
  /** Arguments of it that stand there already. */
  readonly positionals: number;
  /** The option whose value comes next. */
  readonly option: Option | undefined;
  /** Behind `--` nothing is an option. */
  readonly literal: boolean;
}

function readWords(program: Command, words: readonly string[]): Place {
  let command = program;
  let positionals = 0;
  let option: Option | undefined;
  let literal = false;
  for (const word of words) {
    if (option !== undefined) option = undefined;
    else if (word === "--" && !literal) literal = true;
    else if (word.startsWith("-") && !literal) {
      const found = allOptions(command).find(({ long, short }) => long === word || short === word);
      if (found?.required === true || found?.optional === true) option = found;
    } else {
      const sub = positionals === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (sub === undefined) positionals++;
      else command = sub;
    }
  }
  return { command, positionals, option, literal };
}

function completeValue({ argChoices, flags }: Option): Completion {
  if (argChoices !== undefined) return { candidates: argChoices.map(plain), files: false };
  return /<(?:file|folder)>/.test(flags) ? anyFile : nothing;
}

function commandsOf(command: Command): readonly Candidate[] {
  const visible = command.createHelp().visibleCommands(command);
  // `--help` stands among the options.
  return visible.filter((one) => one.name() !== "help").map((one) => ({ value: one.name(), about: one.description() }));
}

function optionsOf(command: Command): readonly Candidate[] {
  const options = allOptions(command).flatMap(({ long, description }) => (long === undefined ? [] : [{ value: long, about: description }]));
  return [...options, { value: "--help", about: "show how it is used" }];
}

/** Those of the command and of all above it. */
function allOptions(command: Command): readonly Option[] {
  return [...command.options, ...(command.parent === null ? [] : allOptions(command.parent))];
}

function plain(value: string): Candidate {
  return { value, about: "" };
}
