import { setTimeout as sleep } from "node:timers/promises";

export interface BackOffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
}

export const usualBackOff: BackOffOptions = { firstMs: 100, mostMs: 10_000 };

/** How long to wait before the next try: doubled each time, anything from half of it up, so that many clients do not come back at the same moment. */
export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;

  constructor(options: BackOffOptions = usualBackOff) {
    this.#options = options;
  }

  /** How many tries failed one after the other. */
  get failures(): number {
    return this.#failures;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** In milliseconds; at least what the server asked for. */
  next({ atLeastMs = 0 }: { readonly atLeastMs?: number } = {}): number {
    const { firstMs, mostMs } = this.#options;
    const whole = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.max(atLeastMs, Math.round(whole * (0.5 + Math.random() / 2)));
  }
}

/** Waits; an abort rejects with the signal's reason. */
export async function pause(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** The promise's outcome, unless the signal is aborted first. */
export async function orAborted<T>(promise: Promise<T>, { signal }: { readonly signal?: AbortSignal | undefined }): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
