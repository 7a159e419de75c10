import { z } from "zod";
import { assert } from "./assert.ts";
import type { ConfigFile } from "./config-file.ts";
import { configEntries, configSchema, unwrap, type ConfigEntry } from "./config-schema.ts";
import { nearestName } from "./nearest-name.ts";

/** What was given, by where it came from; a value on the left wins over those to its right: flags, environment, file, defaults. */
export interface Sources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: ConfigFile;
  /** By dotted path; what the schema's own defaults give way to. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

export interface ConfigFault {
  /** Dotted; empty for the configuration as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly received: string;
  /** Where the value was given: a file, an environment variable, the command line. */
  readonly source: string;
}

/** The settings as one value that still has to be checked, and where each came from. */
export interface Merged {
  readonly settings: unknown;
  /** By dotted path; those of the file are not in it. */
  readonly sources: ReadonlyMap<string, string>;
  readonly fileSource: string;
}

export function mergeSources({ flags, env, file, defaults = {} }: Sources): Merged {
  const sources = new Map<string, string>();
  let settings = file.kind === "read" ? withoutEmpty(file.settings ?? {}, configSchema) : {};
  for (const entry of configEntries) {
    const { path, env: name } = entry;
    const flag = flags[path];
    const variable = env[name];
    if (flag !== undefined) {
      settings = withValue(settings, path.split("."), flag);
      sources.set(path, "the command line");
    } else if (variable !== undefined && variable !== "") {
      settings = withValue(settings, path.split("."), fromVariable(entry, variable));
      sources.set(path, name);
    } else if (defaults[path] !== undefined && valueAt(settings, path.split(".")) === undefined) {
      settings = withValue(settings, path.split("."), defaults[path]);
      sources.set(path, "the default");
    }
  }
  const unknown = Object.keys(flags).find((path) => !configEntries.some((entry) => entry.path === path));
  assert(unknown === undefined, `${unknown} is no setting that a flag could give`);
  return { settings, sources, fileSource: file.kind === "none" ? "the configuration" : file.path };
}

/** Variables that are nearly those of a setting: a slip there would otherwise go unseen. A variable that a secret is read from may have any name. */
export function findSlips(env: Sources["env"], { settings }: Merged): readonly ConfigFault[] {
  const secrets = configEntries.filter((entry) => entry.kind === "secret").map(({ path }) => valueAt(settings, path.split(".")));
  const known = configEntries.map((entry) => entry.env);
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name) && !others.includes(name) && !secrets.includes(`env:${name}`))
    .flatMap((name) => {
      const meant = nearestName(
        name.slice(prefix.length),
        known.map((one) => one.slice(prefix.length)),
      );
      return meant === undefined ? [] : [{ path: "", expected: `${prefix}${meant}`, received: name, source: "the environment" }];
    });
}

/** Leaves out what is null: in YAML that is a name with nothing behind it, such as a group whose lines are all comments. */
function withoutEmpty(settings: unknown, schema: z.core.$ZodType): unknown {
  if (!(schema instanceof z.ZodObject) || typeof settings !== "object" || settings === null || Array.isArray(settings)) return settings;
  const entries = Object.entries(settings).flatMap(([name, value]: [string, unknown]) => {
    const child: z.core.$ZodType | undefined = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    if (child === undefined) return [[name, value]];
    return value === null ? [] : [[name, withoutEmpty(value, unwrap(child).schema)]];
  });
  return Object.fromEntries(entries) as unknown;
}

/** What a value holds at a path; undefined where it has no such place. */
export function valueAt(settings: unknown, path: readonly PropertyKey[]): unknown {
  let value = settings;
  for (const name of path) value = typeof value === "object" && value !== null ? (value as Readonly<Record<PropertyKey, unknown>>)[name] : undefined;
  return value;
}

/** The variable of a secret may hold the secret itself: then it is the place that a reference names. */
function fromVariable({ kind, env }: ConfigEntry, variable: string): string {
  return kind === "secret" && !/^(?:env|file):/.test(variable) ? `env:${env}` : variable;
}

const prefix = "MAINSTEM_";
/** Variables of Mainstem that are no settings of the server. */
const others: readonly string[] = ["MAINSTEM_CONFIG", "MAINSTEM_SERVER", "MAINSTEM_TOKEN", "MAINSTEM_TEST_SECONDS", "MAINSTEM_TEST_SEED"];

/** A copy with the value at the path. Where something stands in the way that is no object, it stays: it is a fault of its own. */
function withValue(settings: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  if (settings === undefined || settings === null) return { [name]: withValue(undefined, rest, value) };
  if (typeof settings !== "object" || Array.isArray(settings)) return settings;
  return { ...settings, [name]: withValue((settings as Readonly<Record<string, unknown>>)[name], rest, value) };
}
