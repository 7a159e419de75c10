import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package, wherever it lies. */
const own = fileURLToPath(new URL("../..", import.meta.url));

/** The packages of Mainstem that a project depends on. */
export const packageNames = ["@mainstem/client", "@mainstem/contract", "mainstem"] as const;

/** Where a new project gets the packages of Mainstem from. */
export interface PackageSources {
  /** By package, what its manifest says, for a project in the folder that was asked for. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** The clone in which they are still to be packed. */
  readonly packIn: string | undefined;
}

/**
 * The packages as this program itself came here: from the registry at its own version (then nothing is said), from tarballs, or out of a clone, which packs
 * them. A project that `mainstem init` makes can be installed in each case.
 */
export function packageSources(folder: string): PackageSources {
  const found = tarballsBeside() ?? tarballsOfClone();
  if (found === undefined) return { dependencies: {}, packIn: undefined };
  const dependencies = Object.entries(found.tarballs).map(([name, path]) => [name, `file:${toPosix(relative(folder, path))}`]);
  return { dependencies: Object.fromEntries(dependencies) as Record<string, string>, packIn: found.packIn };
}

interface Tarballs {
  readonly tarballs: Readonly<Record<string, string>>;
  readonly packIn: string | undefined;
}

/** Of a program that npm installed: what npm wrote down of where it is from. */
function tarballsBeside(): Tarballs | undefined {
  const modules = resolve(own, "..");
  const lock = toObject(readJson(join(modules, ".package-lock.json")))["packages"];
  const tarballs: Record<string, string> = {};
  for (const name of packageNames) {
    const { resolved } = toObject(toObject(lock)[`node_modules/${name}`]);
    if (typeof resolved !== "string" || !resolved.startsWith("file:")) return undefined;
    tarballs[name] = resolve(dirname(modules), resolved.slice("file:".length));
  }
  return { tarballs, packIn: undefined };
}

/** Of a program that runs in a clone: what `npm run pack-all` makes there. */
function tarballsOfClone(): Tarballs | undefined {
  const clone = resolve(own, "../..");
  if (!existsSync(join(clone, "tools/pack.ts"))) return undefined;
  const tarballs: Record<string, string> = {};
  for (const name of packageNames) {
    const { version } = toObject(readJson(join(clone, "packages", name.replace("@mainstem/", ""), "package.json")));
    tarballs[name] = join(clone, "dist", `${name.replace("@", "").replace("/", "-")}-${String(version)}.tgz`);
  }
  return { tarballs, packIn: Object.values(tarballs).every((path) => existsSync(path)) ? undefined : clone };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function toObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function toPosix(path: string): string {
  return sep === "/" ? path : path.replaceAll(sep, "/");
}
