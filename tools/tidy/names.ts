import type { SourceFile } from "../source-files.ts";
import { isTest, lineAt, type Finding } from "./finding.ts";

const grabBags: ReadonlySet<string> = new Set(["utils", "util", "common", "shared", "helpers", "helper", "misc", "stuff", "types"]);
/** Longer than this and a noun is missing (the house aims at 400). */
const linesMax = 450;
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Names of files and folders, their length, and what an `index.ts` may say. */
export function inspectNames(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter(({ path }) => /\.(tsx?|mjs)$/.test(path))
    .flatMap((file) => [...nameFindings(file.path), ...lengthFindings(file), ...frontFindings(file)]);
}

function nameFindings(path: string): readonly Finding[] {
  return path.split("/").flatMap((part): readonly Finding[] => {
    const name = part.split(".").find((piece) => piece !== "") ?? "";
    if (grabBags.has(name)) return [{ rule: "grabBag", path, sentence: `"${name}" says nothing about what is in it: name it for its main export.` }];
    return kebab.test(name) ? [] : [{ rule: "kebab", path, sentence: `"${part}" is not kebab-case.` }];
  });
}

function lengthFindings({ path, text }: SourceFile): readonly Finding[] {
  const lines = text.split("\n").length - 1;
  return isTest(path) || lines <= linesMax ? [] : [{ rule: "length", path, sentence: `${lines} lines: look for the missing noun (at most ${linesMax}).` }];
}

function frontFindings({ path, text }: SourceFile): readonly Finding[] {
  if (!path.endsWith("/index.ts")) return [];
  return [...text.matchAll(/^export \*/gm)].map((match) => ({
    rule: "front",
    path,
    line: lineAt(text, match.index),
    sentence: "An index.ts exports explicit names, not *.",
  }));
}
