import { posix } from "node:path";
import type { SourceFile } from "../source-files.ts";
import { lineAt } from "./finding.ts";

/** One module that a file names, whether by `import`, `export … from`, `import(…)` or as the address of a worker. */
export interface Import {
  readonly from: string;
  /** As it is written. */
  readonly specifier: string;
  /** Path relative to the repository where the specifier is relative. */
  readonly target: string | undefined;
  readonly typeOnly: boolean;
  readonly line: number;
}

const patterns: readonly RegExp[] = [
  /^[ \t]*(?<clause>import|export)(?<type>\s+type)?\b[^;"']*?\bfrom\s*["'](?<specifier>[^"'\n]+)["']/gm,
  /^[ \t]*(?<clause>import)\s*["'](?<specifier>[^"'\n]+)["']/gm,
  /\bimport\(\s*["'](?<specifier>[^"'\n]+)["']\s*\)/g,
  /\bnew URL\(\s*["'](?<specifier>\.[^"'\n]+\.ts)["']\s*,\s*import\.meta\.url\s*\)/g,
];

export function importsOf(file: SourceFile): readonly Import[] {
  const text = withoutComments(file.text);
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => toImport(file.path, { match, text })));
}

function toImport(from: string, { match, text }: { readonly match: RegExpMatchArray; readonly text: string }): Import {
  const specifier = match.groups?.["specifier"] ?? "";
  return {
    from,
    specifier,
    target: specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined,
    typeOnly: match.groups?.["type"] !== undefined || /\bimport\($/.test(match[0].slice(0, 7)),
    line: lineAt(text, match.index ?? 0),
  };
}

/** Comments become blanks, so that places stay where they are. Strings that hold `//` after a colon (addresses) are left alone. */
export function withoutComments(text: string): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, " ");
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(?<=^|[\s;{}()])\/\/.*$/gm, blank);
}

/** The package of a bare specifier: `@scope/name` or `name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Cycles among the nodes of a graph, each as a path that ends where it began; every cycle once. */
export function cyclesOf(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): void => {
    const seen = path.indexOf(node);
    if (seen !== -1) {
      cycles.push([...path.slice(seen), node]);
      return;
    }
    if (done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of [...graph.keys()].sort()) visit(node, []);
  return cycles;
}
