import { listFiles, readSources } from "../source-files.ts";
import { inspectCodes, inspectFormats } from "./documents.ts";
import type { Finding } from "./finding.ts";
import { inspectNames } from "./names.ts";
import { inspectPackages } from "./packages.ts";
import { inspectRooms } from "./rooms.ts";
import { inspectWords } from "./words.ts";

const isText = (path: string): boolean =>
  /\.(tsx?|mjs|cjs|js|json|md|ya?ml|sh|py|txt|html|css)$/.test(path) || path === ".ci/run" || path === ".gitignore" || path.endsWith(".npmrc");
// Golden files were made by other programs and stay as they are.
const isOurs = (path: string): boolean => isText(path) && !path.includes("/golden/") && !/(^|\/)golden\//.test(path);

export interface Inspection {
  /** How many files of each kind were looked at: a check that sees nothing finds nothing. */
  readonly seen: { readonly texts: number; readonly sources: number; readonly manifests: number };
  readonly findings: readonly Finding[];
}

/** Looks at every file below `top`. `codes` are the listed error codes. */
export function inspect(top: string, { codes }: { readonly codes: ReadonlySet<string> }): Inspection {
  const texts = readSources(listFiles(top).filter(isOurs), top);
  const sources = texts.filter(({ path }) => /\.(tsx?|mjs)$/.test(path));
  const manifests = texts.filter(({ path }) => path === "package.json" || path.endsWith("/package.json"));
  return {
    seen: { texts: texts.length, sources: sources.length, manifests: manifests.length },
    findings: [
      ...inspectRooms(sources),
      ...inspectPackages(sources, manifests),
      ...inspectNames(sources),
      ...inspectWords(texts),
      ...inspectFormats(texts),
      ...inspectCodes(sources, codes),
    ],
  };
}
