import { formatExact } from "@mainstem/contract";
import type { Command } from "commander";
import { isAbort } from "../runtime/errors.ts";
import { createClient, type Client } from "./client.ts";
import { CliFailure, describeFailure, exitCodes, type ExitCode } from "./failure.ts";
import { defaultServer, findServer } from "./server-address.ts";
import { createTerminal, wantsColor, type ColorChoice, type Terminal } from "./terminal.ts";

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
  readonly color: ColorChoice | false;
}

export interface Needs {
  /** `"none"` for what works without one: then nobody looks for its address. */
  readonly server: "none";
}

/** Runs a command's work and remembers its exit code. */
export type Start = (command: Command, work: (context: Context) => Promise<ExitCode | void>, needs?: Needs) => Promise<void>;

export interface Runner {
  readonly start: Start;
  exitCode(): ExitCode;
}

const endings = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

/**
 * Ctrl-C and SIGTERM abort the command's signal; a second one ends the process at once. Work that throws because of it was not done: the exit code
 * says so (130, 143). Work that was meant to go on until then returns.
 */
export function createRunner(env: NodeJS.ProcessEnv): Runner {
  let exitCode: ExitCode = exitCodes.ok;
  return {
    exitCode: () => exitCode,
    async start(command, work, needs) {
      const options = command.optsWithGlobals<GlobalOptions>();
      const json = options.json === true;
      const terminal = openTerminal(options, env);
      const stop = new AbortController();
      const onSignal = (signal: keyof typeof endings): void => {
        // The second Ctrl-C means now.
        if (stop.signal.aborted) process.exit(endings[signal]);
        exitCode = endings[signal];
        stop.abort();
      };
      process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
      try {
        const address =
          needs?.server === "none"
            ? { url: options.server ?? defaultServer, from: "the default", token: undefined }
            : await findServer({ flag: options.server, env, cwd: process.cwd() });
        exitCode = (await work({ terminal, client: createClient(address), json, signal: stop.signal })) ?? exitCodes.ok;
      } catch (error) {
        if (!(stop.signal.aborted && isAbort(error))) exitCode = reportFailure(error, { terminal, json });
        else if (json) reportFailure(new CliFailure("cli.interrupted", "Interrupted."), { terminal, json });
        else terminal.say("interrupted");
      } finally {
        terminal.progress("");
        process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      }
    },
  };
}

/** The terminal as the options and the environment want it. */
export function openTerminal({ json, color }: Pick<GlobalOptions, "json" | "color">, env: NodeJS.ProcessEnv): Terminal {
  const choice = color === false ? "never" : color;
  return createTerminal({ color: wantsColor({ choice, env, isTty: process.stdout.isTTY && process.stderr.isTTY }), quiet: json === true });
}

/** Tells a failure on standard error, and gives the exit code. */
export function reportFailure(error: unknown, { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }): ExitCode {
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
  for (const line of context.json ? [formatExact(value)] : show(value)) await context.terminal.line(line);
}

/** Prints a list: as NDJSON, or as the lines that `show` makes of it. */
export async function printList<T>(context: Context, values: readonly T[], show: (values: readonly T[]) => readonly string[]): Promise<void> {
  for (const line of context.json ? values.map((value) => formatExact(value)) : show(values)) await context.terminal.line(line);
}
