import { builtinModules } from "node:module";
import type { SourceFile } from "../source-files.ts";
import { isTest, type Finding } from "./finding.ts";
import { importsOf, packageOf } from "./imports.ts";

interface Manifest {
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
}

/** Whether each package that a file imports is declared in the manifest above it (and in the repository's, for tests and tools). */
export function inspectPackages(files: readonly SourceFile[], manifests: readonly SourceFile[]): readonly Finding[] {
  const known = manifests.map(toManifest).sort((a, b) => b.folder.length - a.folder.length);
  const everything = new Set(known.flatMap((one) => [one.name, ...one.dependencies, ...one.devDependencies]));
  return files.flatMap((file) =>
    importsOf(file).flatMap((one): readonly Finding[] => {
      if (one.target !== undefined || one.specifier.startsWith("node:") || one.specifier.startsWith("#")) return [];
      const name = packageOf(one.specifier);
      const finding = (sentence: string): Finding => ({ rule: "dependency", path: file.path, line: one.line, sentence });
      if (builtinModules.includes(one.specifier)) return [finding(`Write node:${one.specifier}.`)];
      if (mayUse(file.path, { name, known, everything })) return [];
      return [finding(`The package ${name} is not declared in the package.json of this folder.`)];
    }),
  );
}

/** Its packages become part of what is built, so that nobody has to install them. */
const bundledFolder = "packages/web";

interface Use {
  readonly name: string;
  /** The innermost folder first. */
  readonly known: readonly Manifest[];
  readonly everything: ReadonlySet<string>;
}

function mayUse(path: string, { name, known, everything }: Use): boolean {
  // System tests put all packages together.
  if (path.startsWith("test/")) return everything.has(name);
  const home = known.find(({ folder }) => folder === "" || path.startsWith(`${folder}/`));
  const root = known.find(({ folder }) => folder === "");
  if (home?.dependencies.has(name) === true) return true;
  return (
    (isTest(path) || home?.folder === "" || home?.folder === bundledFolder) &&
    (home?.devDependencies.has(name) === true || root?.devDependencies.has(name) === true)
  );
}

function toManifest({ path, text }: SourceFile): Manifest {
  const json = JSON.parse(text) as { name?: string; dependencies?: object; devDependencies?: object };
  return {
    folder: path.split("/").slice(0, -1).join("/"),
    name: json.name ?? "",
    dependencies: new Set(Object.keys(json.dependencies ?? {})),
    devDependencies: new Set(Object.keys(json.devDependencies ?? {})),
  };
}
