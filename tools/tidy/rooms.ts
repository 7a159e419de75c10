import type { SourceFile } from "../source-files.ts";
import { isTest, type Finding } from "./finding.ts";
import { cyclesOf, importsOf, type Import } from "./imports.ts";

/**
 * Who may import whom in `packages/mainstem/src` (ARCHITECTURE.md draws it). Every room may also import itself and `runtime`.
 * A new room needs a line here; so does a new dependency between rooms, and a reason in the review.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  log: [],
  objects: [],
  state: [],
  tasks: ["state"],
  registry: ["log", "objects", "state"],
  ingest: ["log", "registry"],
  inbox: ["ingest", "log", "registry"],
  archive: ["log", "objects", "registry", "tasks"],
  iceberg: ["objects", "state"],
  tables: ["archive", "iceberg", "ingest", "log", "objects", "registry", "tasks"],
  server: ["archive", "iceberg", "inbox", "ingest", "log", "objects", "registry", "state", "tables", "tasks"],
  // The composer: `platform.ts` and the package's front.
  platform: ["runtime", "log", "objects", "state", "tasks", "registry", "ingest", "inbox", "archive", "iceberg", "tables", "server"],
  cli: ["platform", "tasks"],
};

const drivers: readonly string[] = ["log/embedded", "objects/directory", "state/sqlite", "tables/duckdb"];
const source = "packages/mainstem/src/";
const contractSource = "packages/contract/src/";
const clientSource = "packages/client/src/";

export function inspectRooms(files: readonly SourceFile[]): readonly Finding[] {
  const imports = files.flatMap(importsOf);
  return [
    ...roomFindings(imports),
    ...driverFindings(imports),
    ...contractFindings(imports),
    ...clientFindings(imports),
    ...boundaryFindings(imports),
    ...cycleFindings(imports),
  ];
}

function roomFindings(imports: readonly Import[]): readonly Finding[] {
  return imports.flatMap((one) => {
    const from = roomOf(one.from);
    const to = one.target === undefined ? undefined : roomOf(one.target);
    if (from === undefined || to === undefined || from === to || isTest(one.from)) return [];
    if (mayImport[from] === undefined) return [fault(one, "room", `The room ${from} has no line in tools/tidy/rooms.ts.`)];
    if (to === "runtime") return [];
    if (!mayImport[from].includes(to)) return [fault(one, "room", `The room ${from} may not import ${to} (tools/tidy/rooms.ts).`)];
    const front = to === "platform" || one.target === `${source}${to}/index.ts`;
    if (front || isDriver(one.target ?? "")) return [];
    return [fault(one, "room", `Import the room ${to} through its index.ts, not ${one.specifier}.`)];
  });
}

function driverFindings(imports: readonly Import[]): readonly Finding[] {
  return imports.flatMap((one) => {
    const driver = drivers.find((name) => one.target?.startsWith(`${source}${name}/`) === true);
    const allowed = driver === undefined || one.from.startsWith(`${source}${driver}/`) || one.from === `${source}platform.ts` || isTest(one.from);
    return allowed ? [] : [fault(one, "driver", `Only platform.ts and tests name a driver, and this names ${driver}.`)];
  });
}

/** The contract is pure: no file, no network, no platform; it must run in a browser. */
function contractFindings(imports: readonly Import[]): readonly Finding[] {
  return imports.flatMap((one) => {
    if (!one.from.startsWith(contractSource) || isTest(one.from)) return [];
    if (one.specifier.startsWith("node:")) return [fault(one, "contract", `The contract runs in a browser too: ${one.specifier} is not there.`)];
    if (one.target !== undefined && !one.target.startsWith(contractSource)) return [fault(one, "contract", "The contract imports nothing of the platform.")];
    return [];
  });
}

/** The client runs in applications: it brings the contract along, and nothing else that would have to be installed. */
function clientFindings(imports: readonly Import[]): readonly Finding[] {
  return imports.flatMap((one) => {
    if (!one.from.startsWith(clientSource) || isTest(one.from)) return [];
    const allowed = one.target?.startsWith(clientSource) === true || one.specifier === "@mainstem/contract" || one.specifier.startsWith("node:");
    return allowed ? [] : [fault(one, "client", `The client imports the contract and Node, not ${one.specifier}.`)];
  });
}

/** Packages meet by their names. Only tests and benchmarks reach inside. */
function boundaryFindings(imports: readonly Import[]): readonly Finding[] {
  return imports.flatMap((one) => {
    if (one.target === undefined || isTest(one.from)) return [];
    const home = packageFolder(one.from);
    return packageFolder(one.target) === home || home === "tools" ? [] : [fault(one, "boundary", `Import the package by its name, not ${one.specifier}.`)];
  });
}

function cycleFindings(imports: readonly Import[]): readonly Finding[] {
  const written = imports.filter((one) => !isTest(one.from) && one.target !== undefined);
  const rooms = toGraph(written.map((one) => [roomOf(one.from), roomOf(one.target ?? "")]));
  // Types are gone at run time: two files of one room may name each other's.
  const values = toGraph(written.filter((one) => !one.typeOnly).map((one) => [one.from, one.target]));
  return [
    ...cyclesOf(rooms).map((cycle) => ({ rule: "cycle", path: `${source}${cycle[0]}`, sentence: `These rooms import one another: ${cycle.join(" -> ")}.` })),
    ...cyclesOf(values).map((cycle) => ({ rule: "cycle", path: cycle[0] ?? "", sentence: `These files import one another: ${cycle.join(" -> ")}.` })),
  ];
}

function toGraph(edges: readonly (readonly [string | undefined, string | undefined])[]): ReadonlyMap<string, ReadonlySet<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [from, to] of edges) {
    if (from === undefined || to === undefined || from === to) continue;
    const next = graph.get(from) ?? new Set();
    graph.set(from, next.add(to));
  }
  return graph;
}

/** `log` for `packages/mainstem/src/log/embedded/x.ts`; `platform` for what lies beside the rooms; undefined elsewhere. */
function roomOf(path: string): string | undefined {
  if (!path.startsWith(source)) return undefined;
  const [room, ...rest] = path.slice(source.length).split("/");
  return rest.length === 0 ? "platform" : room;
}

function isDriver(path: string): boolean {
  return drivers.some((name) => path.startsWith(`${source}${name}/`));
}

function packageFolder(path: string): string {
  const parts = path.split("/");
  return parts[0] === "packages" || parts[0] === "examples" ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

function fault(one: Import, rule: string, sentence: string): Finding {
  return { rule, path: one.from, line: one.line, sentence };
}
