import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { DatasetSummary } from "./answers.ts";
import type { Client } from "./client.ts";
import type { Context, Start } from "./context.ts";
import { addServeOptions, loadSettings, serve, untilStopped, type ServeOptions } from "./serve.ts";
import { formatCount } from "./text-table.ts";

/** On a laptop nobody wants to wait five minutes for the first chunk. */
const devDefaults = { "archive.every": "2s", "tables.every": "2s", logLevel: "warn" };
const progressEveryMs = 1_000;

/** `mainstem dev` */
export function devCommand(start: Start): Command {
  const command = addServeOptions(new Command("dev"), devDefaults)
    .description("run the whole platform in this process while you try things out, until Ctrl-C")
    .addHelpText(
      "after",
      "\nAs `mainstem start`, but records are in their tables after seconds (archive.every and tables.every are 2s unless they are set), only warnings" +
        "\nare logged, and on a screen one line shows where every dataset is. What it stores is as safe, and `mainstem start` goes on with it." +
        "\nEvery setting can be given in the configuration file or as MAINSTEM_…, such as MAINSTEM_ARCHIVE_EVERY=30s." +
        '\nWith --json the first line of standard output says that it is ready: {"kind":"ready","url":…}.' +
        "\n\nExamples:\n  mainstem dev\n  mainstem dev --port 8080 --data-dir ./scratch",
    );
  return command.action((options: ServeOptions) =>
    start(
      command,
      async (context) => {
        const config = await loadSettings(options, { defaults: devDefaults });
        await serve(context, config, { greets: true, meanwhile: (client) => showProgress(context, client) });
      },
      { server: "none" },
    ),
  );
}

/** Until the signal: on a screen, one line that tells where every dataset is. */
async function showProgress(context: Context, client: Client): Promise<void> {
  const { terminal, signal } = context;
  // Without a screen there is nothing to show, only to wait.
  if (terminal.progressWidth === undefined) return await untilStopped(context);
  while (!signal.aborted) {
    const { body } = await client.call({ path: "/v1/datasets", signal });
    terminal.progress((body as { readonly datasets: readonly DatasetSummary[] }).datasets.map(describeProgress).join("   "));
    await sleep(progressEveryMs, undefined, { signal });
  }
}

function describeProgress({ name, records, rows }: DatasetSummary): string {
  return `${name}: ${formatCount(records)} in the log, ${rows === null ? "no table yet" : `${formatCount(rows)} rows`}`;
}
