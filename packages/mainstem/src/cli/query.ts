import { Command, InvalidArgumentError } from "commander";
import type { Context, Start } from "./context.ts";
import { aTimeLike, isTime } from "./place-options.ts";
import { formatCounted, formatTable, toCell } from "./text-table.ts";

type At = string | Readonly<Record<string, string>>;

interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** `mainstem query SQL` */
export function queryCommand(start: Start): Command {
  const command = new Command("query")
    .description('query the clean tables with SQL; a dataset is the table "namespace"."name"')
    .argument("<sql>", "one SELECT statement", parseStatement)
    .option("--at <time|dataset=snapshot>", "as it was then: an RFC 3339 time, or dataset=snapshot id (repeat for several)", collectAt)
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem query 'select status, count(*) from shop.orders group by 1'\n  mainstem query 'select count(*) from shop.orders' --at 2026-11-21T12:00:00Z\n  mainstem query 'select * from shop.orders' --at shop.orders=1234567890 --json",
    );
  return command.action((sql: string, { at }: { readonly at?: At }) =>
    start(command, async (context) => {
      const call = { method: "POST" as const, path: "/v1/query", body: { sql, ...(at === undefined ? {} : { at }) }, signal: context.signal };
      if (context.json) for await (const line of context.client.lines(call)) await context.terminal.line(line);
      else await printTable(context, (await context.client.call(call)).body as QueryResult);
    }),
  );
}

/** A variable of the shell that is not set is an empty word. */
export function parseStatement(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It must be one SELECT statement, such as 'select count(*) from shop.orders'.");
  return text;
}

/** A time stands alone; snapshots are collected by dataset. */
export function collectAt(text: string, before: At | undefined): At {
  const equals = text.indexOf("=");
  if (equals === -1) {
    if (before !== undefined) throw new InvalidArgumentError("Give one time, or dataset=snapshot for each dataset.");
    if (!isTime(text)) throw new InvalidArgumentError(`It must be ${aTimeLike(text)}, or dataset=snapshot.`);
    return text;
  }
  if (typeof before === "string") throw new InvalidArgumentError("Give one time, or dataset=snapshot for each dataset.");
  const [dataset, snapshot] = [text.slice(0, equals), text.slice(equals + 1)];
  if (!/^\d{1,19}$/.test(snapshot))
    throw new InvalidArgumentError(
      `After ${dataset}= comes the id of a snapshot (\`mainstem snapshots ${dataset}\`). A time is for all datasets, and stands alone.`,
    );
  return { ...before, [dataset]: snapshot };
}

const numeric = /INT|DOUBLE|FLOAT|DECIMAL|HUGEINT/;

async function printTable(context: Context, { columns, rows }: QueryResult): Promise<void> {
  const { terminal } = context;
  const titles = columns.map(({ name, type }) => ({ title: name, align: numeric.test(type) ? ("right" as const) : ("left" as const) }));
  const cells = rows.map((row) => row.map((value, index) => (columns[index]?.type.startsWith("TIMESTAMP") === true ? toTimeCell(value) : toCell(value))));
  const lines = formatTable(titles, cells, { width: terminal.width });
  for (const line of lines) await terminal.line(line);
  const isCut = terminal.width !== undefined && lines.some((line) => line.includes("…"));
  terminal.say(terminal.style("dim", `${formatCounted(rows.length, "row")}${isCut ? "; whole values: with --json, or in a pipe" : ""}`));
}

/** A time without zeros that say nothing. */
export function toTimeCell(value: unknown): string {
  return toCell(value)
    .replace(/(\.\d*?)0+(?=Z?$)/, "$1")
    .replace(/\.(?=Z?$)/, "");
}
