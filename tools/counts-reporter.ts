import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

/** What the runner's front prints at the end. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The files that took longest, the longest first; their tests' milliseconds together. */
  readonly slowest: readonly { readonly file: string; readonly ms: number }[];
}

const slowestMax = 5;

/** A reporter of node:test that gives one line of JSON for the whole run. */
export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const msByFile = new Map<string, number>();
  for await (const event of source) {
    if ((event.type === "test:pass" || event.type === "test:fail") && event.data.nesting === 0 && event.data.file !== undefined) {
      const file = relative(process.cwd(), event.data.file);
      msByFile.set(file, (msByFile.get(file) ?? 0) + event.data.details.duration_ms);
    }
    // A summary without a file is that of the whole run.
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = event.data.counts;
    const slowest = [...msByFile].map(([file, ms]) => ({ file, ms })).sort((a, b) => b.ms - a.ms);
    yield JSON.stringify({ passed, failed: tests - passed - skipped - todo, skipped, slowest: slowest.slice(0, slowestMax) } satisfies Counts);
  }
}
