import { Command, CommanderError, Option } from "commander";
import { version } from "../runtime/version.ts";
import { applyCommand } from "./apply.ts";
import { closeCommand } from "./close.ts";
import { completeCommand, completionCommand } from "./completion.ts";
import { createRunner, openTerminal, reportFailure, type GlobalOptions, type Start } from "./context.ts";
import { datasetsCommand } from "./datasets.ts";
import { describeCommand } from "./describe.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { convertCommand, exportCommand } from "./export.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { inboxCommand } from "./inbox.ts";
import { initCommand } from "./init.ts";
import { planCommand } from "./plan.ts";
import { queryCommand } from "./query.ts";
import { typesCommand } from "./record-types.ts";
import { rebuildCommand } from "./rebuild.ts";
import { replayCommand } from "./replay.ts";
import { sendCommand } from "./send.ts";
import { defaultServer } from "./server-address.ts";
import { snapshotsCommand } from "./snapshots.ts";
import { startCommand } from "./start.ts";
import { statusCommand } from "./status.ts";
import { tailCommand } from "./tail.ts";
import { pauseCommand, resetCommand, resumeCommand } from "./task-commands.ts";
import { colorChoices } from "./terminal.ts";
import { breakWords } from "./text-table.ts";

const commands: readonly ((start: Start) => Command)[] = [
  initCommand,
  devCommand,
  startCommand,
  planCommand,
  applyCommand,
  exportCommand,
  convertCommand,
  typesCommand,
  datasetsCommand,
  describeCommand,
  sendCommand,
  tailCommand,
  queryCommand,
  snapshotsCommand,
  inboxCommand,
  replayCommand,
  rebuildCommand,
  closeCommand,
  statusCommand,
  pauseCommand,
  resumeCommand,
  resetCommand,
  doctorCommand,
  completionCommand,
];

/** Commander's own. */
const helpWidthInPipe = 80;

/** Every command with its options and help; `start` runs the work of the one that is called. */
export function createProgram(start: Start): Command {
  const program = new Command("mainstem")
    .description("One way in, one log, one registry, clean tables.")
    .version(version)
    .option("--server <url>", `the server (default: MAINSTEM_SERVER, else the configuration in this folder, else ${defaultServer})`)
    .option("--json", "one JSON object, or one a line for lists and streams")
    .addOption(
      new Option("--color <when>", "when to use colours; NO_COLOR and FORCE_COLOR count where this is not given").choices(colorChoices).default("auto"),
    )
    .option("--no-color", "no colours")
    .addHelpText(
      "after",
      "\nEnds with 0 when it is done, 1 when it failed, 2 when it was called wrongly, 130 when Ctrl-C came first." +
        "\n\nExamples:\n  mainstem init my-data\n  mainstem dev\n  mainstem apply datasets.ts\n  mainstem send shop.orders orders.ndjson\n  mainstem query 'select count(*) from shop.orders'",
    );
  for (const create of commands) program.addCommand(create(start));
  program.addCommand(completeCommand(start), { hidden: true });
  return program;
}

/** Runs one command line, without the program's name, to its exit code. */
export async function runCli(args: readonly string[], options: { readonly env: NodeJS.ProcessEnv }): Promise<ExitCode> {
  const runner = createRunner(options.env);
  const program = createProgram(runner.start);
  const wanted: Pick<GlobalOptions, "json" | "color"> = { json: isJsonAsked(args), color: "auto" };
  for (const command of everyCommand(program)) {
    command.exitOverride().showHelpAfterError("(--help shows how it is used)");
    command.configureOutput({ writeOut: (text) => void process.stdout.write(fitHelp(text, process.stdout.columns || helpWidthInPipe)) });
    // Programs that ask for JSON get the refusal of their call as JSON too.
    if (wanted.json === true) command.configureOutput({ writeErr: () => undefined });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return runner.exitCode();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed what it had to say: help and version end well, anything else was called wrongly.
    if (error.exitCode === 0) return exitCodes.ok;
    if (wanted.json === true) {
      const message = error.code === "commander.help" ? "No command was given." : error.message.replace(/^error: /, "");
      reportFailure(new CliFailure("cli.usage", message), { terminal: openTerminal(wanted, options.env), json: true });
    }
    return exitCodes.usage;
  }
}

/** Paragraphs are broken between words, as Commander does with its own; what is indented, such as an example, stays one line to copy. */
export function fitHelp(text: string, width: number): string {
  return text.replaceAll(/^[^ \n].*(?:\n[^ \n].*)*/gm, (paragraph) => breakWords(paragraph.replaceAll("\n", " "), width).join("\n"));
}

/** A command and all below it. */
export function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function isJsonAsked(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end === -1 ? undefined : end).includes("--json");
}
