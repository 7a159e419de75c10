/** The known name that a person most probably meant, if one is near: a slip of some letters, or other capitals, dashes or underscores. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = simplify(name);
  const same = known.find((one) => simplify(one) === plain);
  if (same !== undefined) return same;
  const slips = Math.max(1, Math.min(3, Math.floor(plain.length / 3)));
  const ranked = known.map((one) => ({ one, distance: editDistance(plain, simplify(one), slips) })).filter(({ distance }) => distance <= slips);
  return ranked.sort((a, b) => a.distance - b.distance)[0]?.one;
}

/** ` (perhaps NAME)` for the end of a sentence about a name that is not known; empty where none is near. */
export function perhaps(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === undefined ? "" : ` (perhaps ${near})`;
}

/** Letters inserted, left out, changed, or swapped with their neighbour (optimal string alignment); anything above `most` is only known to be above it. */
export function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let [before, row]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(changed, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? most + 1;
}

function simplify(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, "");
}
