import { relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { loadConfig, resolveSecret, type Config } from "../runtime/config.ts";
import { createLogger } from "../runtime/logger.ts";
import type { DatasetSummary } from "./answers.ts";
import { createClient, path, type Client } from "./client.ts";
import type { Context, Start } from "./context.ts";
import { readDeclarations } from "./contract-files.ts";
import { formatCount } from "./text-table.ts";

/** On a laptop nobody wants to wait five minutes for the first chunk. */
const devDefaults = { "archive.every": "2s", "tables.every": "2s", logLevel: "warn" };
const progressEveryMs = 1_000;
/** As long as a timer can be. */
const foreverMs = 2_147_483_647;

interface DevOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
}

/** `mainstem dev` */
export function devCommand(start: Start): Command {
  const command = new Command("dev")
    .description("run the whole platform in this process, until Ctrl-C")
    .option("-c, --config <file>", "the configuration (default: mainstem.config.ts, .yaml or .json in this folder)")
    .option("--data-dir <folder>", "where it keeps its data (default: .mainstem)")
    .option("--host <address>", "where it listens (default: 127.0.0.1)")
    .option("--port <number>", "0 takes any free one (default: 7070)")
    .option("--log-level <level>", "what it logs to standard error: debug, info, warn, error or silent (default: warn)")
    .addHelpText(
      "after",
      "\nEvery setting can be given in the configuration file or as MAINSTEM_…, such as MAINSTEM_ARCHIVE_EVERY=30s." +
        '\nWith --json the first line of standard output says that it is ready: {"kind":"ready","url":…}.' +
        "\n\nExamples:\n  mainstem dev\n  mainstem dev --port 8080 --data-dir /var/lib/mainstem",
    );
  return command.action((options: DevOptions) =>
    start(command, async (context) => {
      const flags = { dataDir: options.dataDir, "server.host": options.host, "server.port": options.port, logLevel: options.logLevel };
      const config = await loadConfig({ cwd: process.cwd(), file: options.config, env: process.env, flags, defaults: devDefaults });
      // Other commands start without the platform and its libraries.
      const { openPlatform } = await import("../platform.ts");
      await using platform = await openPlatform(config, { logger: createLogger({ level: config.logLevel }) });
      const { token } = config.server;
      const client = createClient({ server: platform.url, token: token === undefined ? undefined : await resolveSecret(token) });
      await applyDatasets(context, { config, client });
      await sayReady(context, { config, url: platform.url });
      await showProgress(context, client);
      if (!context.json) context.terminal.say("closing; what was acknowledged is on disk");
    }),
  );
}

/** The datasets that the configuration names are declared before anybody is told that the platform is ready. */
async function applyDatasets({ signal }: Context, { config, client }: { readonly config: Config; readonly client: Client }): Promise<void> {
  for (const { name, contract } of (await Promise.all(config.datasets.map(readDeclarations))).flat())
    await client.call({ method: "PUT", path: path`/v1/definitions/dataset/${name}`, body: contract, signal });
}

async function sayReady({ json, terminal }: Context, { config, url }: { readonly config: Config; readonly url: string }): Promise<void> {
  if (json) return terminal.line(JSON.stringify({ kind: "ready", url, dataDir: config.dataDir, pid: process.pid }));
  const { archive, tables } = config;
  await terminal.line(`${terminal.style("bold", "Mainstem")} answers at ${terminal.style("cyan", url)}`);
  await terminal.line(`  data in ${relative(process.cwd(), config.dataDir) || "."}`);
  await terminal.line(`  archive every ${seconds(archive.every)}, tables every ${seconds(tables.every)} (archive.every and tables.every in the configuration)`);
  await terminal.line(`  Ctrl-C ends it. In another terminal: mainstem apply datasets.ts, mainstem --help`);
}

function seconds(milliseconds: number): string {
  return milliseconds % 60_000 === 0 ? `${milliseconds / 60_000} min` : `${milliseconds / 1_000} s`;
}

/** Until the signal: on a screen, one line that tells where every dataset is. */
async function showProgress({ terminal, signal }: Context, client: Client): Promise<void> {
  // Without a screen there is nothing to show, only to wait.
  if (!terminal.live) {
    await sleep(foreverMs, undefined, { signal }).catch(() => undefined);
    return;
  }
  while (!signal.aborted) {
    try {
      const { body } = await client.call({ path: "/v1/datasets", signal });
      terminal.progress((body as { readonly datasets: readonly DatasetSummary[] }).datasets.map(describeProgress).join("   "));
      await sleep(progressEveryMs, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

function describeProgress({ name, records, rows }: DatasetSummary): string {
  return `${name}: ${formatCount(records)} in the log, ${rows === null ? "no table yet" : `${formatCount(rows)} rows`}`;
}
