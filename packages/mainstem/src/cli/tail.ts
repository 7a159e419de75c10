import { Command, InvalidArgumentError } from "commander";
import { path } from "./client.ts";
import type { Start } from "./context.ts";
import { placeOption } from "./place-options.ts";
import { toPrintable, type Terminal } from "./terminal.ts";

interface TailOptions {
  readonly partition?: number;
  readonly from?: string;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly replay?: string;
}

export interface LoggedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: string | number;
  /** Absent where the record has none. */
  readonly key?: unknown;
  readonly value?: unknown;
  /** In place of the value where it cannot be read. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** `mainstem tail NAME` */
export function tailCommand(start: Start): Command {
  const command = new Command("tail")
    .description("show the records of a dataset as they stand in the log")
    .argument("<name>", "namespace.name")
    .option("-p, --partition <number>", "only this partition", parseCount)
    .option("--from <place>", "where to begin: start, end, an offset, or an RFC 3339 time (default: start)", placeOption(["start", "end"]))
    .option("-n, --limit <count>", "end after so many records", parseCount)
    .option("-f, --follow", "wait for new records, until Ctrl-C")
    .option("--replay <id>", "those in the shadow topic of a replay")
    .addHelpText("after", "\nExamples:\n  mainstem tail shop.orders --limit 10\n  mainstem tail shop.orders --follow --json | jq .value");
  return command.action((name: string, options: TailOptions) =>
    start(command, async (context) => {
      const lines = context.client.lines({ path: path`/v1/datasets/${name}/records`, query: { ...options }, signal: context.signal });
      try {
        for await (const line of lines) await context.terminal.line(context.json ? line : showRecord(JSON.parse(line) as LoggedRecord, context.terminal));
      } catch (error) {
        // To follow is to go on until then.
        if (options.follow !== true || !context.signal.aborted) throw error;
      }
    }),
  );
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, 0 or more.");
  return Number(text);
}

/** A record as a line for people. */
export function showRecord({ partition, offset, timestamp, key, value, error }: LoggedRecord, terminal: Pick<Terminal, "style">): string {
  const place = terminal.style("dim", `${partition}:${offset}  ${timestamp}`);
  const content = error === undefined ? toPrintable(JSON.stringify(value)) : terminal.style("red", toPrintable(`${error.code}: ${error.message}`));
  return `${place}  ${terminal.style("cyan", toPrintable(typeof key === "string" ? key : JSON.stringify(key ?? null)))}  ${content}`;
}
