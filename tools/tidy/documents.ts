import type { SourceFile } from "../source-files.ts";
import { isTest, lineAt, type Finding } from "./finding.ts";

/** Every page of a format says which version it describes: a line `Version: 1` (or `Format version 1`) near its top. */
export function inspectFormats(pages: readonly SourceFile[]): readonly Finding[] {
  return pages
    .filter(({ path }) => /^docs\/formats\/.+\.md$/.test(path) && !path.endsWith("/README.md"))
    .filter(({ text }) => !/\bversion\b\W{0,4}\d+/i.test(text.split("\n").slice(0, 12).join("\n")))
    .map(({ path }) => ({ rule: "formatVersion", path, sentence: 'A format\'s page says which version it describes: "Version: 1" near the top.' }));
}

/** The errors that the code throws are those that are listed, and the other way round. */
export function inspectCodes(files: readonly SourceFile[], listed: ReadonlySet<string>): readonly Finding[] {
  const lists = (path: string): boolean => path === "packages/mainstem/src/runtime/errors.ts" || path === "packages/contract/src/errors.ts";
  const sources = files.filter(({ path }) => /^packages\/.+\.tsx?$/.test(path) && !lists(path) && !isTest(path));
  const unknown = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/new (?:Mainstem|Contract|Coded)Error\(\s*"([^"]+)"/g)]
      .filter((match) => !listed.has(match[1] ?? ""))
      .map((match) => ({ rule: "codeUnknown", path, line: lineAt(text, match.index), sentence: `The code ${match[1]} is not listed in runtime/errors.ts.` })),
  );
  // In the lists themselves a code followed by a colon is its entry.
  const written = [...sources.map(({ text }) => text), ...files.filter(({ path }) => lists(path)).map(({ text }) => text.replace(/"[\w.]+":/g, ""))].join("\n");
  const unused = [...listed]
    .filter((code) => !written.includes(`"${code}"`))
    .map((code) => ({ rule: "codeUnused", path: "packages/mainstem/src/runtime/errors.ts", sentence: `Nothing throws the listed code ${code}.` }));
  return [...unknown, ...unused];
}
