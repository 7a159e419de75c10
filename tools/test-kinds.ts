/** What the ending of a test file says about it (CONTRIBUTING.md). `.contract.ts` files are suites that a driver's `.test.ts` calls. */
export const runs = ["all", "unit", "tidy", "services", "soak"] as const;
export type Run = (typeof runs)[number];

/** Those that take longest come first, so that two cores end at about the same time. */
const endings = [".sim.ts", ".fault.ts", ".prop.ts", ".golden.ts", ".test.ts"] as const;

const tidyFile = "tools/tidy.test.ts";
const soakFile = "test/system/soak.service.ts";
/** Where every test runs a database engine: tens of seconds, so they belong to `all`, not to the quick check. */
const slowFolders: readonly string[] = ["packages/mainstem/src/tables/", "packages/mainstem/template/", "test/"];

/** The test files of a run among `files` (paths relative to the repository), those below `filters` only if there are any. */
export function selectTests(files: readonly string[], options: { readonly run: Run; readonly filters?: readonly string[] }): readonly string[] {
  const { run, filters = [] } = options;
  const wanted = files.filter((file) => isOf(file, run) && (filters.length === 0 || filters.some((filter) => file.includes(filter))));
  return wanted.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function isOf(file: string, run: Run): boolean {
  switch (run) {
    case "all":
      return endings.some((ending) => file.endsWith(ending));
    case "unit":
      return file.endsWith(".test.ts") && !slowFolders.some((folder) => file.startsWith(folder)) && file !== tidyFile;
    case "tidy":
      return file === tidyFile;
    case "services":
      return file.endsWith(".service.ts");
    case "soak":
      return file === soakFile;
    default:
      return run satisfies never;
  }
}

function rank(file: string): number {
  if (file.startsWith("test/")) return 0;
  return 1 + endings.findIndex((ending) => file.endsWith(ending));
}
