import { globSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { assert } from "./assert.ts";
import { readConfigFile, type ConfigFile } from "./config-file.ts";
import { invalid, quote, sourceOf, toFaults } from "./config-faults.ts";
import { configEntries, configSchema, type ConfigEntry, type SecretReference } from "./config-schema.ts";
import { findSlips, mergeSources, valueAt, type ConfigFault, type Merged } from "./config-sources.ts";
import { MainstemError } from "./errors.ts";
import { isLoopback } from "./loopback.ts";

export type { ConfigEntry, SecretReference } from "./config-schema.ts";
export type { ConfigFault } from "./config-sources.ts";

/** The configuration as people write it: durations and sizes as text (`"5m"`, `"256MB"`) or as milliseconds and bytes; everything may be left out. */
export type ConfigInput = z.input<typeof configSchema>;

/**
 * The configuration as the platform takes it: every default filled in, durations in milliseconds, sizes in bytes, paths absolute,
 * `datasets` the files that were found, secrets still references.
 */
export type Config = DeepReadonly<z.output<typeof configSchema>>;

type DeepReadonly<T> = T extends string | number | undefined ? T : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/** Gives back what it gets; for the types, in `mainstem.config.ts`: `export default defineConfig({ … })`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

export interface LoadOptions {
  /** Where the file is looked for, and what paths of the command line and the environment are relative to. Paths in a file are relative to the file. */
  readonly cwd: string;
  /** `mainstem.config.ts`, `.yaml` or `.json` in `cwd` if left out; `MAINSTEM_CONFIG` names another. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By dotted path: `{ "server.port": "8080" }`. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** By dotted path: what stands in place of the usual defaults. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/**
 * Reads the configuration: a flag wins over the environment, the environment over the file, the file over the defaults. Empty variables count as not set.
 * Errors: `config.invalid` with all faults at once (`facts.faults`: path, expected, received, source), `server.tokenRequired`.
 */
export async function loadConfig({ cwd, file, env, flags = {}, defaults = {} }: LoadOptions): Promise<Config> {
  const named = file ?? (env["MAINSTEM_CONFIG"] === "" ? undefined : env["MAINSTEM_CONFIG"]);
  const found = await readConfigFile({ cwd, file: named });
  const broken = found.kind === "broken" ? [{ path: "", expected: found.expected, received: found.received, source: found.path }] : [];
  const merged = mergeSources({ flags, env, file: found, defaults });
  return toConfig(merged, { cwd, file: found, faults: [...broken, ...findSlips(env, merged)] });
}

/** Checks a configuration that a program made itself. Relative paths are relative to the working directory. Errors: as `loadConfig`. */
export function parseConfig(input: ConfigInput): Config {
  const merged: Merged = { settings: input, sources: new Map(), fileSource: "the program" };
  return toConfig(merged, { cwd: process.cwd(), file: { kind: "none" }, faults: [] });
}

/** Every setting with its environment variable, type, default and description: for the documentation and `--help`. */
export function describeConfig(): readonly ConfigEntry[] {
  return configEntries;
}

const secretBytesMax = 65_536;

/**
 * The secret that a setting refers to (`server.token`, for one). Of a file, the line break at its end does not count.
 * Errors: `config.invalid` with the setting, which never shows the secret.
 */
export async function resolveSecret(
  reference: SecretReference,
  { setting, env = process.env }: { readonly setting: string; readonly env?: Readonly<Record<string, string | undefined>> },
): Promise<string> {
  const [, scheme, name] = /^(env|file):(.+)$/.exec(reference) ?? [];
  assert(name !== undefined, "a secret reference was checked when it was read");
  const secret = scheme === "env" ? env[name] : await readSecret(name, setting);
  if (secret === undefined || secret === "")
    throw new MainstemError("config.invalid", `The secret ${reference}, which ${setting} names, is missing or empty.`, { reference, setting });
  return secret;
}

async function readSecret(path: string, setting: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > secretBytesMax) throw new Error(`it has ${bytes.length} bytes, more than ${secretBytesMax}`);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MainstemError("config.invalid", `The secret file:${path}, which ${setting} names, cannot be read: ${reason}.`, { path, setting }, { cause });
  }
}

interface Place {
  readonly cwd: string;
  readonly file: ConfigFile;
  /** Those that were found before the settings themselves were looked at. */
  readonly faults: readonly ConfigFault[];
}

function toConfig(merged: Merged, { cwd, file, faults: earlier }: Place): Config {
  const result = configSchema.safeParse(merged.settings);
  const faults = [...earlier, ...(result.success ? [] : result.error.issues.flatMap((issue) => toFaults(issue, merged)))];
  const baseOf = (path: string): string => (file.kind === "read" && !merged.sources.has(path) && isGiven(merged.settings, path) ? dirname(file.path) : cwd);
  const config = result.success ? resolvePaths(result.data, { baseOf, faults, merged }) : undefined;
  if (config === undefined || faults.length > 0) throw invalid(faults);
  if (config.server.token === undefined && !isLoopback(config.server.host)) {
    const sentence = `server.host is ${JSON.stringify(config.server.host)}, which other machines can reach, and there is no server.token.`;
    throw new MainstemError("server.tokenRequired", sentence, { host: config.server.host });
  }
  return config;
}

/** Makes paths absolute, and patterns the files that they match; a pattern without any is a fault. */
function resolvePaths(config: Config, options: { baseOf: (path: string) => string; faults: ConfigFault[]; merged: Merged }): Config {
  const { baseOf, faults, merged } = options;
  const absolute = (path: string, value: string | undefined): string | undefined => (value === undefined ? undefined : resolve(baseOf(path), value));
  const files = config.datasets.flatMap((pattern, index) => {
    const found = filesOf(pattern, baseOf("datasets"));
    if (found.length === 0)
      faults.push({
        path: `datasets[${index}]`,
        expected: "a file, or a pattern that some file matches",
        received: quote(pattern),
        source: sourceOf("datasets", merged),
      });
    return found;
  });
  const token =
    config.server.token?.startsWith("file:") === true ? `file:${resolve(baseOf("server.token"), config.server.token.slice(5))}` : config.server.token;
  return {
    ...config,
    dataDir: resolve(baseOf("dataDir"), config.dataDir),
    datasets: [...new Set(files)],
    server: { ...config.server, token: token as SecretReference | undefined },
    log: { ...config.log, directory: absolute("log.directory", config.log.directory) },
    objects: { ...config.objects, directory: absolute("objects.directory", config.objects.directory) },
    state: { ...config.state, file: absolute("state.file", config.state.file) },
  };
}

function filesOf(pattern: string, base: string): readonly string[] {
  const path = resolve(base, pattern);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return [path];
  return globSync(pattern, { cwd: base, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => resolve(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1));
}

function isGiven(settings: unknown, path: string): boolean {
  return valueAt(settings, path.split(".")) !== undefined;
}
