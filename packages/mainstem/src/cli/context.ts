import type { Command } from "commander";
import { isAbort } from "../runtime/errors.ts";
import { createClient, type Client } from "./client.ts";
import { describeFailure, exitCodes, type ExitCode } from "./failure.ts";
import { createTerminal, wantsColor, type Terminal } from "./terminal.ts";

/** What every command works with. */
export interface Context {
  readonly terminal: Terminal;
  readonly client: Client;
  /** One JSON object, or NDJSON for lists and streams, instead of text for people. */
  readonly json: boolean;
  /** Aborted by Ctrl-C or SIGTERM: an ending, not a failure. */
  readonly signal: AbortSignal;
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly server?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

/** Runs a command's work and remembers its exit code. */
export type Start = (command: Command, work: (context: Context) => Promise<ExitCode | void>) => Promise<void>;

export interface Runner {
  readonly start: Start;
  exitCode(): ExitCode;
}

export const defaultServer = "http://127.0.0.1:7070";

export function createRunner(env: NodeJS.ProcessEnv): Runner {
  let exitCode: ExitCode = exitCodes.ok;
  return {
    exitCode: () => exitCode,
    async start(command, work) {
      const options = command.optsWithGlobals<GlobalOptions>();
      const json = options.json === true;
      const terminal = createTerminal({ color: wantsColor({ flag: options.color, env, isTty: process.stdout.isTTY && process.stderr.isTTY }), quiet: json });
      const stop = new AbortController();
      const onSignal = (): void => {
        // The second Ctrl-C means now.
        if (stop.signal.aborted) process.exit(130);
        stop.abort();
      };
      process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
      try {
        const client = createClient({ server: options.server ?? env["MAINSTEM_SERVER"] ?? defaultServer, token: env["MAINSTEM_TOKEN"] });
        exitCode = (await work({ terminal, client, json, signal: stop.signal })) ?? exitCodes.ok;
      } catch (error) {
        if (!(stop.signal.aborted && isAbort(error))) exitCode = reportFailure(error, { terminal, json });
      } finally {
        terminal.progress("");
        process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      }
    },
  };
}

function reportFailure(error: unknown, { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }): ExitCode {
  const { code, message, remedy, details, exitCode } = describeFailure(error);
  if (json)
    terminal.say(JSON.stringify({ error: { code, message, ...(remedy === undefined ? {} : { remedy }), ...(details.length === 0 ? {} : { details }) } }));
  else {
    terminal.say(`${terminal.style("red", "error:")} ${message} ${terminal.style("dim", `[${code}]`)}`);
    for (const detail of details) terminal.say(`  - ${detail}`);
    if (remedy !== undefined) terminal.say(`  ${remedy}`);
  }
  return exitCode;
}

/** Prints one thing: as JSON, or as the lines that `show` makes of it. */
export async function print<T>(context: Context, value: T, show: (value: T) => readonly string[]): Promise<void> {
  for (const line of context.json ? [JSON.stringify(value)] : show(value)) await context.terminal.line(line);
}

/** Prints a list: as NDJSON, or as the lines that `show` makes of it. */
export async function printList<T>(context: Context, values: readonly T[], show: (values: readonly T[]) => readonly string[]): Promise<void> {
  for (const line of context.json ? values.map((value) => JSON.stringify(value)) : show(values)) await context.terminal.line(line);
}
