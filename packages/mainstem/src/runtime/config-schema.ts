import { z } from "zod";
import type { Brand } from "./brand.ts";
import { logLevels } from "./log-levels.ts";
import { parseDuration, parseSize } from "./units.ts";

/** A secret by where it is, never by what it is: `env:NAME` or `file:PATH`. */
export type SecretReference = Brand<string, "SecretReference">;

/** What the settings' types say of themselves, to people. */
export const leafKinds = ["text", "choice", "integer", "duration", "size", "path", "patterns", "secret"] as const;
export type LeafKind = (typeof leafKinds)[number];

export interface LeafFacts {
  readonly kind: LeafKind;
  /** What a right value looks like. */
  readonly expected: string;
  readonly description: string;
}

/** One setting: its dotted path, the name of its environment variable, and what its type says. */
export interface ConfigEntry extends LeafFacts {
  readonly path: string;
  readonly env: string;
  /** As it would be written; undefined where the setting is left out. */
  readonly default: string | undefined;
}

const leaves = z.registry<LeafFacts>();

const durationUnits = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;
const sizeUnits = [
  ["GiB", 1_073_741_824],
  ["MiB", 1_048_576],
  ["KiB", 1_024],
  ["B", 1],
] as const;

// Timers count their milliseconds in 31 bits: a little less than 25 days.
const timerMsMax = 24 * 86_400_000;

const every = (description: string) => duration(description, { least: 100, most: timerMsMax });

/**
 * Every setting, once: its type, default and description. Texts are taken wherever numbers are, since environment and command line have nothing else;
 * durations and sizes come out as milliseconds and bytes.
 */
export const configSchema = z.strictObject({
  dataDir: localPath("Where everything is kept that the drivers below do not keep elsewhere.").prefault(".mainstem"),
  logLevel: choice(logLevels, "The least important lines that the platform writes to standard error.").prefault("info"),
  datasets: patterns("Files, or patterns of files, with dataset declarations that are applied at the start.").prefault([]),
  server: z
    .strictObject({
      host: text("The address that the server listens on. Any but 127.0.0.1 needs a token.").prefault("127.0.0.1"),
      port: integer("The port that the server listens on; 0 takes any free one.", { least: 0, most: 65_535 }).prefault(7070),
      registryPort: integer("A further port, for the schema registry's API alone and without its prefix; none if left out. 0 takes any free one.", {
        least: 0,
        most: 65_535,
      }).optional(),
      token: secret("What requests have to send as Authorization: Bearer.").optional(),
      bodyBytesMax: size("The largest body that is taken whole: with an idempotency key, or atomic.", { least: 1_024, most: 1_073_741_824 }).prefault("16MB"),
    })
    .prefault({}),
  log: z
    .strictObject({
      driver: choice(["embedded"], "Where records are logged.").prefault("embedded"),
      directory: localPath("Where the log keeps its segments; log in the data directory if left out.").optional(),
      partitions: integer("How many partitions the topics of new datasets have.", { least: 1, most: 10_000 }).prefault(1),
      segmentBytes: size("How large a segment file grows.", { least: 1_024, most: 2_147_483_647 }).prefault("128MiB"),
      retention: z
        .strictObject({
          ms: duration("Records that are older than this, and archived, may be dropped from the log; never if left out.", {
            least: 1,
            most: Number.MAX_SAFE_INTEGER,
          }).optional(),
          bytes: size("What a partition holds beyond this, and is archived, may be dropped from the log; never if left out.", {
            least: 0,
            most: Number.MAX_SAFE_INTEGER,
          }).optional(),
        })
        .prefault({}),
      diskBytesMax: size("What the log may take of the disk; beyond it the door answers 503. No limit if left out.", {
        least: 1_024,
        most: Number.MAX_SAFE_INTEGER,
      }).optional(),
    })
    .prefault({}),
  objects: z
    .strictObject({
      driver: choice(["directory"], "Where the archive and the tables are stored.").prefault("directory"),
      directory: localPath("Where the objects are files; objects in the data directory if left out.").optional(),
    })
    .prefault({}),
  state: z
    .strictObject({
      driver: choice(["sqlite"], "Where definitions, pointers, checkpoints and leases are kept.").prefault("sqlite"),
      file: localPath("The database file; state.sqlite in the data directory if left out.").optional(),
    })
    .prefault({}),
  archive: z
    .strictObject({
      every: every("How long a chunk of the archive stays open.").prefault("5m"),
      maxBytes: size("How large a chunk of the archive grows.", { least: 1_024, most: 10_737_418_240 }).prefault("256MB"),
    })
    .prefault({}),
  tables: z
    .strictObject({
      every: every("How often tables are built from new chunks.").prefault("1m"),
      minBytes: size("A build waits until there are chunks of this many bytes.", { least: 0, most: Number.MAX_SAFE_INTEGER }).prefault(0),
      snapshots: z
        .strictObject({
          keep: duration("Versions of a table that were current within so long are kept.", { least: 0, most: Number.MAX_SAFE_INTEGER }).prefault("7d"),
          least: integer("So many of the newest versions of a table are kept at any age.", { least: 1, most: 100_000 }).prefault(100),
          most: integer("More versions of a table than this are not kept: each takes about a kilobyte of what every build writes.", {
            least: 1,
            most: 100_000,
          }).prefault(1_000),
          grace: duration("Objects of versions that are no longer kept stay so long, for programs that still read them.", {
            least: 0,
            most: Number.MAX_SAFE_INTEGER,
          }).prefault("1h"),
        })
        .prefault({}),
      memoryBytesMax: size("What one table build may take of the memory.", { least: 67_108_864, most: Number.MAX_SAFE_INTEGER }).prefault("1GB"),
    })
    .prefault({}),
});

/** Every setting in the order of the schema. */
export const configEntries: readonly ConfigEntry[] = entriesOf(configSchema, []);

/** `server.bodyBytesMax` is `MAINSTEM_SERVER_BODY_BYTES_MAX`. */
export function envNameOf(path: string): string {
  const words = path.replaceAll(".", "_").replace(/[A-Z]/g, (letter) => `_${letter}`);
  return `MAINSTEM_${words.toUpperCase()}`;
}

/** A node of the schema without what makes it optional, and its default in the form in which people write it. */
export function unwrap(schema: z.core.$ZodType): { readonly schema: z.core.$ZodType; readonly fallback: unknown } {
  if (schema instanceof z.ZodPrefault) return { schema: unwrap(schema.def.innerType).schema, fallback: schema.def.defaultValue };
  if (schema instanceof z.ZodOptional) return unwrap(schema.def.innerType);
  return { schema, fallback: undefined };
}

function entriesOf(object: z.ZodObject, parents: readonly string[]): readonly ConfigEntry[] {
  return Object.entries(object.shape).flatMap(([name, wrapped]) => {
    const { schema, fallback } = unwrap(wrapped);
    const path = [...parents, name];
    if (schema instanceof z.ZodObject) return entriesOf(schema, path);
    const facts = leaves.get(schema);
    if (facts === undefined) throw new Error(`setting ${path.join(".")} has no description`);
    return [{ ...facts, path: path.join("."), env: envNameOf(path.join(".")), default: toText(fallback) }];
  });
}

function toText(fallback: unknown): string | undefined {
  const nothing = fallback === undefined || (Array.isArray(fallback) && fallback.length === 0);
  return nothing ? undefined : typeof fallback === "string" ? fallback : JSON.stringify(fallback);
}

/** A setting that `parse` reads; it gives undefined, or throws, where the value is wrong. Nothing of a value is kept in its fault but what the fault's reader adds. */
function leaf<In, Out>(facts: LeafFacts, parse: (value: unknown) => Out | undefined) {
  const schema = z.custom<In>().transform((value, context): Out => {
    const parsed = attempt(parse, value);
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: "custom", input: value, message: facts.expected });
    return z.NEVER;
  });
  leaves.add(schema, facts);
  return schema;
}

function attempt<Out>(parse: (value: unknown) => Out | undefined, value: unknown): Out | undefined {
  try {
    return parse(value);
  } catch {
    return undefined;
  }
}

interface Range {
  readonly least: number;
  readonly most: number;
}

function text(description: string) {
  return leaf<string, string>({ kind: "text", expected: "a text that is not empty", description }, toLine);
}

function localPath(description: string) {
  return leaf<string, string>({ kind: "path", expected: "a path", description }, toLine);
}

function patterns(description: string) {
  const facts: LeafFacts = { kind: "patterns", expected: "a list of paths or patterns (in one text: with commas between them)", description };
  return leaf<string | readonly string[], readonly string[]>(facts, (value) => {
    const list: readonly unknown[] = typeof value === "string" ? value.split(",").map((one) => one.trim()) : Array.isArray(value) ? value : [undefined];
    const lines = list.filter((one) => toLine(one) !== undefined) as readonly string[];
    return lines.length === list.length ? lines : undefined;
  });
}

function choice<const Choice extends string>(choices: readonly Choice[], description: string) {
  return leaf<Choice, Choice>({ kind: "choice", expected: choices.length > 1 ? `one of ${choices.join(", ")}` : choices.join(""), description }, (value) =>
    choices.find((one) => one === value),
  );
}

function secret(description: string) {
  const expected = "a reference such as env:NAME or file:PATH, never the secret itself";
  return leaf<string, SecretReference>({ kind: "secret", expected, description }, (value) => {
    const line = toLine(value) ?? "";
    return /^env:[A-Za-z_][A-Za-z0-9_]*$/.test(line) || /^file:./.test(line) ? (line as SecretReference) : undefined;
  });
}

function integer(description: string, range: Range) {
  const facts: LeafFacts = { kind: "integer", expected: `an integer from ${range.least} to ${range.most}`, description };
  return leaf<number | string, number>(facts, (value) => inRange(toNumber(value), range));
}

function duration(description: string, range: Range) {
  const facts: LeafFacts = { kind: "duration", expected: `a duration such as 30s, 5m or 7d${bounds(range, durationUnits)}`, description };
  return leaf<number | string, number>(facts, (value) => inRange(toNumber(value) ?? parseDuration(String(value)), range));
}

function size(description: string, range: Range) {
  const facts: LeafFacts = { kind: "size", expected: `a size such as 64KB, 256MB or 1GiB${bounds(range, sizeUnits)}`, description };
  return leaf<number | string, number>(facts, (value) => inRange(toNumber(value) ?? parseSize(String(value)), range));
}

/** The limits as people write them: in the largest unit that they are whole in. */
function bounds({ least, most }: Range, units: readonly (readonly [string, number])[]): string {
  const write = (value: number): string => {
    const [unit, factor] = units.find(([, one]) => value % one === 0) ?? ["", 1];
    return `${value / factor}${unit}`;
  };
  const low = least > 0 ? `, at least ${write(least)}` : "";
  return most < Number.MAX_SAFE_INTEGER ? `${low}, at most ${write(most)}` : low;
}

/** A number, also in a text of digits only. */
function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d{1,16}$/.test(value.trim()) ? Number(value) : undefined;
}

function inRange(value: number | undefined, { least, most }: Range): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined;
}

function toLine(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" && value.isWellFormed() && !/[\u0000-\u001f]/.test(value) ? value : undefined;
}
