/** One place that breaks a house rule. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly sentence: string;
}

export function showFindings(findings: readonly Finding[]): string {
  return findings.map(({ path, line, sentence }) => `  ${path}${line === undefined ? "" : `:${line}`}  ${sentence}`).join("\n");
}

const testEndings = /\.(test|contract|prop|sim|fault|golden|service)\.ts$/;

/** Tests and benchmarks may open drivers and use development dependencies. */
export function isTest(path: string): boolean {
  return testEndings.test(path) || path.startsWith("test/") || path.startsWith("bench/") || path.includes("/testing/");
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
