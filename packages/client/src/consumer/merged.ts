/** What comes from several sources, one item at a time from each, in the order in which they are ready; at most one item of each waits here. */
export async function* merged<Item>(sources: readonly AsyncGenerator<Item>[]): AsyncGenerator<Item> {
  interface Ready {
    readonly source: AsyncGenerator<Item>;
    readonly result: IteratorResult<Item>;
  }
  // Promise.race gives the first of those that are ready: who was served goes to the end of the line.
  const pending = new Map<AsyncGenerator<Item>, Promise<Ready>>();
  const ask = (source: AsyncGenerator<Item>): void => {
    const asked = source.next().then((result) => ({ source, result }));
    asked.catch(() => undefined);
    pending.delete(source);
    pending.set(source, asked);
  };
  try {
    for (const source of sources) ask(source);
    while (pending.size > 0) {
      const { source, result } = await Promise.race(pending.values());
      if (result.done === true) {
        pending.delete(source);
        continue;
      }
      ask(source);
      yield result.value;
    }
  } finally {
    // A source that still waits ends by its signal.
    for (const source of sources) void source.return(undefined).catch(() => undefined);
  }
}
