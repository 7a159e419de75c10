import type { Work } from "../harness.ts";

/**
 * Makes so many rounds of a function that goes once over all records. A loop within one function that never returns would be measured as the engine
 * compiled it midway, when it knew little, which differs from run to run.
 */
export function roundsOf(rounds: number, options: { readonly records: number; readonly round: () => number }): Work {
  const { records, round } = options;
  let total = 0;
  for (let index = 0; index < rounds; index++) total += round();
  return { units: total > 0 ? rounds * records : 0 };
}
