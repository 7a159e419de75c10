import { relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseContract } from "@mainstem/contract";
import type { Command } from "commander";
import { loadConfig, resolveSecret, type Config } from "../runtime/config.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Platform } from "../platform.ts";
import { createClient, path, type Client } from "./client.ts";
import type { Context } from "./context.ts";
import { readDeclarations } from "./contract-files.ts";
import { CliFailure } from "./failure.ts";

/** As long as a timer can be. */
const foreverMs = 2_147_483_647;

export interface ServeOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
}

/** The options of the commands that run the platform; each is a setting too. */
export function addServeOptions(command: Command, defaults: { readonly logLevel: string }): Command {
  return command
    .option("-c, --config <file>", "the configuration (default: mainstem.config.ts, .yaml or .json in this folder)")
    .option("--data-dir <folder>", "where it keeps its data (default: .mainstem)")
    .option("--host <address>", "where it listens (default: 127.0.0.1)")
    .option("--port <number>", "0 takes any free one (default: 7070)")
    .option("--log-level <level>", `what it logs to standard error: debug, info, warn, error or silent (default: ${defaults.logLevel})`);
}

/** The settings: those flags win, and `defaults` give way to everything that was said. Errors: `config.invalid`. */
export async function loadSettings(options: ServeOptions, { defaults = {} }: { readonly defaults?: Readonly<Record<string, unknown>> } = {}): Promise<Config> {
  const flags = { dataDir: options.dataDir, "server.host": options.host, "server.port": options.port, logLevel: options.logLevel };
  return await loadConfig({ cwd: process.cwd(), file: options.config, env: process.env, flags, defaults });
}

export interface Serving {
  /** Whether people are told where it answers, and that it closes; the log says so in any case. */
  readonly greets: boolean;
  /** Called when it is ready. */
  readonly meanwhile: (client: Client) => Promise<void>;
}

/** Runs the whole platform in this process until the signal. */
export async function serve(context: Context, config: Config, { greets, meanwhile }: Serving): Promise<void> {
  // Other commands start without the platform and its libraries.
  const [{ openPlatform }, { createLogger }] = await Promise.all([import("../platform.ts"), import("../runtime/logger.ts")]);
  const logger = createLogger({ level: config.logLevel });
  await using platform = await openPlatform(config, { logger });
  const { token } = config.server;
  const client = createClient({
    url: platform.url,
    from: "its own address",
    token: token === undefined ? undefined : await resolveSecret(token, { setting: "server.token" }),
  });
  try {
    await applyDatasets(context, { config, client, logger, greets });
    logger.info("ready", { url: platform.url, dataDir: config.dataDir });
    if (greets || context.json) await sayReady(context, config, platform);
    await meanwhile(client);
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
  logger.info("closing", { url: platform.url });
  if (greets && !context.json) context.terminal.say("closing; what was acknowledged is on disk");
}

/** Waits for the signal. */
export async function untilStopped({ signal }: Context): Promise<void> {
  await sleep(foreverMs, undefined, { signal }).catch(() => undefined);
}

/**
 * The datasets that the configuration names are declared before anybody is told that the platform is ready. One that cannot be changed so stays as it is: a
 * file that lags behind what others have applied must not close the doors of all datasets.
 */
async function applyDatasets(
  { signal, terminal }: Context,
  { config, client, logger, greets }: { readonly config: Config; readonly client: Client; readonly logger: Logger; readonly greets: boolean },
): Promise<void> {
  const declarations = await readDeclarations(...config.datasets);
  for (const { contract } of declarations) parseContract(contract);
  for (const { file, name, contract } of declarations) {
    try {
      await client.call({ method: "PUT", path: path`/v1/definitions/dataset/${name}`, body: contract, signal });
    } catch (error) {
      if (!(error instanceof CliFailure) || !refusedChanges.has(error.code)) throw error;
      logger.error("dataset stays as it was", { dataset: name, file, code: error.code, cause: error.message });
      if (greets) terminal.say(`${terminal.style("yellow", "not changed:")} ${name}, as ${file} has it: ${error.message} [${error.code}]`);
    }
  }
}

/** The dataset is there and its door is open, as it was declared before. */
const refusedChanges: ReadonlySet<string> = new Set(["contract.incompatible", "registry.rebuildNeeded", "registry.notPermitted"]);

async function sayReady({ json, terminal }: Context, config: Config, { url, registryUrl }: Pick<Platform, "url" | "registryUrl">): Promise<void> {
  if (json) return terminal.line(JSON.stringify({ kind: "ready", url, registryUrl, dataDir: config.dataDir, pid: process.pid }));
  const { archive, tables } = config;
  await terminal.line(`${terminal.style("bold", "Mainstem")} answers at ${terminal.style("cyan", url)}`);
  if (registryUrl !== undefined) await terminal.line(`  the schema registry's API by itself at ${registryUrl}`);
  await terminal.line(`  data in ${relative(process.cwd(), config.dataDir) || "."}`);
  await terminal.line(`  archive every ${seconds(archive.every)}, tables every ${seconds(tables.every)} (archive.every and tables.every in the configuration)`);
  await terminal.line(`  Ctrl-C ends it. In another terminal: mainstem apply datasets.ts, mainstem --help`);
}

function seconds(milliseconds: number): string {
  return milliseconds % 60_000 === 0 ? `${milliseconds / 60_000} min` : `${milliseconds / 1_000} s`;
}
