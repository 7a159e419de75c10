/** Checks an invariant of our own code; a failure is a bug of ours, never a user's fault. */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${sentence}`);
}

/** Closes a `switch` over a union: it does not compile while a kind is missing. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
