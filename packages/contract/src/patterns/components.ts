/**
 * The strongly connected components of what can be reached in a graph, as a number for each node: a component has a greater number than those it leads to.
 * Undefined where `spend`, which is told of every edge, says that it is enough. (Tarjan, 1972, without recursion.)
 */
export function componentsOf(
  starts: Iterable<number>,
  next: (node: number) => readonly number[],
  spend: (steps: number) => boolean,
): ReadonlyMap<number, number> | undefined {
  const component = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const frames: { readonly node: number; readonly index: number; readonly targets: readonly number[]; at: number }[] = [];
  const enter = (node: number): void => {
    const index = low.size;
    low.set(node, index);
    open.push(node);
    frames.push({ node, index, targets: next(node), at: 0 });
  };
  let count = 0;
  for (const start of starts) {
    if (!low.has(start)) enter(start);
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const target = frame.targets[frame.at++];
      if (target !== undefined) {
        if (!spend(1)) return undefined;
        if (!low.has(target)) enter(target);
        else if (!component.has(target)) low.set(frame.node, Math.min(low.get(frame.node) as number, low.get(target) as number));
        continue;
      }
      frames.pop();
      const lowest = low.get(frame.node) as number;
      const parent = frames.at(-1)?.node;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) as number, lowest));
      if (lowest !== frame.index) continue;
      for (let node = open.pop(); node !== undefined; node = open.pop()) {
        component.set(node, count);
        if (node === frame.node) break;
      }
      count++;
    }
  }
  return component;
}
