import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { applyCommand } from "./apply.ts";
import { closeCommand } from "./close.ts";
import { createRunner, defaultServer } from "./context.ts";
import { datasetsCommand } from "./datasets.ts";
import { describeCommand } from "./describe.ts";
import { devCommand } from "./dev.ts";
import { exitCodes, type ExitCode } from "./failure.ts";
import { convertCommand, exportCommand } from "./export.ts";
import { inboxCommand } from "./inbox.ts";
import { planCommand } from "./plan.ts";
import { queryCommand } from "./query.ts";
import { typesCommand } from "./record-types.ts";
import { rebuildCommand } from "./rebuild.ts";
import { replayCommand } from "./replay.ts";
import { sendCommand } from "./send.ts";
import { snapshotsCommand } from "./snapshots.ts";
import { statusCommand } from "./status.ts";
import { tailCommand } from "./tail.ts";
import { pauseCommand, resetCommand, resumeCommand } from "./task-commands.ts";

/** Runs one command line, without the program's name, to its exit code. */
export async function runCli(args: readonly string[], options: { readonly env: NodeJS.ProcessEnv }): Promise<ExitCode> {
  const runner = createRunner(options.env);
  const commands = [
    devCommand,
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
  ];
  const program = new Command("mainstem")
    .description("One way in, one log, one registry, clean tables.")
    .version(packageJson.version)
    .option("--server <url>", `the server (default: MAINSTEM_SERVER, or ${defaultServer})`)
    .option("--json", "one JSON object, or one a line for lists and streams")
    .option("--no-color", "no colours (also: NO_COLOR)")
    .addHelpText(
      "after",
      "\nFirst steps:\n  mainstem dev\n  mainstem apply datasets.ts\n  mainstem send shop.orders orders.ndjson\n  mainstem query 'select count(*) from shop.orders'",
    );
  for (const create of commands) program.addCommand(create(runner.start));
  for (const command of [program, ...program.commands]) command.exitOverride().showHelpAfterError("(--help shows how it is used)");
  try {
    await program.parseAsync(args, { from: "user" });
    return runner.exitCode();
  } catch (error) {
    // Commander has printed what it had to say: help and version end well, anything else was called wrongly.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    throw error;
  }
}
