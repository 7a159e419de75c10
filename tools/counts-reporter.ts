import type { TestEvent } from "node:test/reporters";

/** A reporter of node:test that gives one line of JSON for the whole run: how many tests passed and failed. */
export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    // A summary without a file is that of the whole run.
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = event.data.counts;
    yield JSON.stringify({ passed, failed: tests - passed - skipped - todo, skipped });
  }
}
