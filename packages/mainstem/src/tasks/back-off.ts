import type { Env } from "../runtime/env.ts";

/** The pause after the first failure, before jitter; it doubles with each further one. */
const firstMs = 250;
const pauseMsMax = 60_000;

/** How long to wait after the given number of failures in a row: between half and all of a pause that doubles, so that tasks that failed together come back apart. */
export function backOffMs(failures: number, env: Pick<Env, "random">): number {
  const pauseMs = Math.min(pauseMsMax, firstMs * 2 ** Math.min(failures - 1, 16));
  const [byte = 0] = env.random(1);
  return Math.round(pauseMs * (0.5 + byte / 510));
}
