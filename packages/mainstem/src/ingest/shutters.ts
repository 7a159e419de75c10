import type { Dataset } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { UnderWay } from "../runtime/under-way.ts";

/** How long requests that run may go on once their dataset is being closed. */
const graceMs = 2_000;

interface Running {
  readonly dataset: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Who is at the door of which dataset, so that a door can be shut behind the last one. */
export class Shutters {
  readonly #env: Env;
  readonly #running = new UnderWay<Running>();
  readonly #shut = new Set<string>();
  readonly #barred: ReadonlyMap<string, MainstemError>;

  constructor({ env, barred = new Map() }: { readonly env: Env; readonly barred?: ReadonlyMap<string, MainstemError> | undefined }) {
    this.#env = env;
    this.#barred = barred;
  }

  /** Runs a request, unless its dataset is barred (its reason) or shut (`ingest.datasetClosing`). The work gets a signal that ends it with the caller's, or when the door is shut. */
  async pass<T>(dataset: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const reason = this.#barred.get(dataset);
    if (reason !== undefined) throw new MainstemError(reason.code, reason.message, reason.facts);
    if (this.#shut.has(dataset)) throw closing(dataset);
    signal?.throwIfAborted();
    const stop = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const one = this.#running.add({ dataset, stop, ended });
    const abort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await work(stop.signal);
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#running.delete(one);
      resolve();
    }
  }

  /** Resolves when nobody is left of those that run now. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  /** Shuts the door until it is disposed: takes nobody new, waits a little for those that run, ends the others, and resolves when nothing more is appended. */
  async shut(dataset: string): Promise<Disposable> {
    if (this.#shut.has(dataset)) throw closing(dataset);
    this.#shut.add(dataset);
    const running = [...this.#running].filter((one) => one.dataset === dataset);
    const all = Promise.all(running.map(({ ended }) => ended));
    const grace = new AbortController();
    await Promise.race([all, this.#env.sleep(graceMs, { signal: grace.signal }).catch(() => undefined)]);
    grace.abort();
    for (const { stop } of running) stop.abort(closing(dataset));
    await all;
    return { [Symbol.dispose]: () => void this.#shut.delete(dataset) };
  }
}

export function datasetClosed({ contract: { name }, closed: by }: Dataset): MainstemError {
  const successor = by?.successor ?? "";
  return new MainstemError("ingest.datasetClosed", `Dataset ${name} is closed: ${successor} continues it.`, { dataset: name, successor });
}

function closing(dataset: string): MainstemError {
  return new MainstemError("ingest.datasetClosing", `Dataset ${dataset} is being closed at this moment.`, { dataset, retryAfterSeconds: 2 });
}
