import type { SourceFile } from "../source-files.ts";
import { lineAt, type Finding } from "./finding.ts";

interface WordRule {
  readonly rule: string;
  readonly pattern: RegExp;
  /** Which files it is about. */
  readonly applies: (path: string) => boolean;
  readonly sentence: (found: string) => string;
}

const isCode = (path: string): boolean => /\.(tsx?|mjs|sh|py)$/.test(path) || path === ".ci/run";
const isTidyRule = (path: string): boolean => path.startsWith("tools/tidy");

const rules: readonly WordRule[] = [
  {
    rule: "unfinished",
    pattern: /\b(TODO|FIXME|XXX|HACK|[Ss]tub(bed)?|not (yet )?implemented|[Ff]or now)\b/g,
    applies: (path) => isCode(path) && !isTidyRule(path),
    sentence: (found) => `"${found}" is a word of unfinished work: finish it, or say in an issue what is missing.`,
  },
  {
    rule: "skipped",
    pattern: /\b(it|test|describe|suite)\.(only|todo|skip)\(|\b(only|todo|skip):\s*true\b/g,
    applies: (path) => path.endsWith(".ts") && !isTidyRule(path),
    sentence: (found) => `"${found}" keeps tests from running.`,
  },
  {
    rule: "suppressed",
    pattern: /@ts-(ignore|nocheck)|(oxlint|eslint)-disable(?!.*--)/g,
    applies: (path) => isCode(path) && !isTidyRule(path),
    sentence: (found) => `"${found}" silences a check: mend the cause, or use the narrowest form and give the reason after --.`,
  },
  {
    rule: "machine",
    pattern: /(?<![\w.$}])\/(work|tmp|farm|root|home|Users)\/[A-Za-z]/g,
    applies: (path) => !isTidyRule(path),
    sentence: (found) => `"${found}…" is a path of one machine: use os.tmpdir() in tests and relative paths in docs.`,
  },
  {
    rule: "registry",
    pattern: /https?:\/\/[\w.-]*(registry|npmjs|artifactory|nexus|mirror)[\w.-]*(:\d+)?\/|^\/\/[\w.-]+\/:_authToken/gm,
    applies: (path) => !isTidyRule(path),
    sentence: (found) => `"${found}" names a package registry: each machine has its own.`,
  },
  {
    rule: "elsewhere",
    pattern: /\b(DESIGN|STYLE|FACTS|INTERFACES|MISSION|BRIEF)(\.md\b|:|\s+(paragraph|page|section|"))|\.\.\/shared\//g,
    applies: (path) => !isTidyRule(path),
    sentence: (found) => `"${found}" points to a page that is not in this repository: name one that is, or say it here.`,
  },
  {
    rule: "words",
    pattern: /\b(sub-?agents?|co-authored-by|language model|LLM|chatbot|copilot|claude|anthropic|openai)\b/gi,
    applies: (path) => !isTidyRule(path),
    sentence: (found) => `"${found}" has no place in the project.`,
  },
];

export function inspectWords(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap(({ path, text }) =>
    rules
      .filter(({ applies }) => applies(path))
      .flatMap(({ rule, pattern, sentence }) =>
        [...text.matchAll(pattern)].map((match) => ({ rule, path, line: lineAt(text, match.index), sentence: sentence(match[0].trim()) })),
      ),
  );
}
