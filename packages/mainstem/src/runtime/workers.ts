import { Worker, parentPort, type Transferable } from "node:worker_threads";
import { MainstemError, fromErrorValue, toErrorValue, type ErrorValue } from "./errors.ts";

/** The jobs that a worker module offers: a name, an input and an output that can be cloned to another thread. */
export type Jobs = { readonly [job: string]: { readonly input: unknown; readonly output: unknown } };

type Request = { readonly kind: "run"; readonly id: number; readonly job: string; readonly input: unknown } | { readonly kind: "abort"; readonly id: number };
type Reply =
  | { readonly kind: "done"; readonly id: number; readonly output: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: ErrorValue; readonly aborted: boolean }
  | { readonly kind: "event"; readonly id: number; readonly event: unknown };

/** A thread that runs jobs, so that work that burns CPU never holds up the door. */
export interface WorkerThread<J extends Jobs> extends AsyncDisposable {
  /**
   * Runs one job; jobs of one thread may overlap where they wait.
   * Rejects with the job's own coded error, with the signal's reason when aborted, with `worker.failed` when the thread died
   * (the next call starts a new one). What is in `transfer` belongs to the worker afterwards.
   */
  run<Name extends keyof J & string>(
    job: Name,
    input: J[Name]["input"],
    options?: { readonly signal?: AbortSignal | undefined; readonly transfer?: readonly Transferable[]; readonly onEvent?: (event: unknown) => void },
  ): Promise<J[Name]["output"]>;
}

interface Pending {
  resolve(output: unknown): void;
  reject(error: unknown): void;
  readonly onEvent: ((event: unknown) => void) | undefined;
}

/** The address of a module of this program, named from another one: sources end in .ts, what is published of them in .js. */
export function moduleBeside(path: string, base: string): URL {
  return new URL(base.endsWith(".js") ? path.replace(/\.ts$/, ".js") : path, base);
}

/** Opens a thread on a module that calls `serveJobs`. The thread starts with the first job, and again after a death. */
export function openWorkerThread<J extends Jobs>(module: URL, options: { readonly workerData?: unknown; readonly memoryMbMax?: number } = {}): WorkerThread<J> {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let nextId = 1;
  let closed = false;

  function start(): Worker {
    const started = new Worker(module, {
      workerData: options.workerData,
      ...(options.memoryMbMax === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: options.memoryMbMax } }),
    });
    started.on("message", (reply: Reply) => settle(reply));
    started.on("error", (cause) =>
      fail(started, new MainstemError("worker.failed", `A worker thread failed: ${cause instanceof Error ? cause.message : String(cause)}`, {}, { cause })),
    );
    started.on("exit", (code) => fail(started, new MainstemError("worker.failed", `A worker thread ended with exit code ${code}.`, { code })));
    started.unref();
    return started;
  }

  function settle(reply: Reply): void {
    const waiting = pending.get(reply.id);
    if (waiting === undefined) return;
    if (reply.kind === "event") return waiting.onEvent?.(reply.event);
    pending.delete(reply.id);
    if (pending.size === 0) worker?.unref();
    if (reply.kind === "done") waiting.resolve(reply.output);
    else waiting.reject(reply.aborted ? new DOMException(reply.error.message, "AbortError") : fromErrorValue(reply.error));
  }

  function fail(failed: Worker, error: MainstemError): void {
    if (worker !== failed) return;
    worker = undefined;
    const waiting = [...pending.values()];
    pending.clear();
    for (const one of waiting) one.reject(error);
  }

  return {
    run(job, input, { signal, transfer = [], onEvent } = {}) {
      if (closed) return Promise.reject(new MainstemError("resource.closed", "The worker thread is closed."));
      if (signal?.aborted) return Promise.reject(signal.reason);
      worker ??= start();
      const thread = worker;
      const id = nextId++;
      thread.ref();
      return new Promise((resolve, reject) => {
        const abort = (): void => thread.postMessage({ kind: "abort", id } satisfies Request);
        const ended = (): void => signal?.removeEventListener("abort", abort);
        pending.set(id, {
          resolve: (output) => (ended(), resolve(output)),
          reject: (error) => (ended(), reject(error)),
          onEvent,
        });
        signal?.addEventListener("abort", abort, { once: true });
        thread.postMessage({ kind: "run", id, job, input } satisfies Request, transfer as Transferable[]);
      });
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const ending = worker;
      if (ending === undefined) return;
      fail(ending, new MainstemError("resource.closed", "The worker thread is closed."));
      await ending.terminate();
    },
  };
}

/** What a job may use beside its input. */
export interface JobContext {
  readonly signal: AbortSignal;
  emit(event: unknown): void;
}

/** Called once by a worker module: answers the jobs that `openWorkerThread` sends. A job may name parts of its output to transfer. */
export function serveJobs<J extends Jobs>(jobs: {
  readonly [Name in keyof J]: (input: J[Name]["input"], context: JobContext) => Promise<J[Name]["output"]>;
}): void {
  const port = parentPort;
  if (port === null) throw new Error("serveJobs runs in a worker thread only");
  const running = new Map<number, AbortController>();
  port.on("message", (request: Request) => {
    if (request.kind === "abort") return running.get(request.id)?.abort();
    const abort = new AbortController();
    running.set(request.id, abort);
    const emit = (event: unknown): void => port.postMessage({ kind: "event", id: request.id, event } satisfies Reply);
    void (async () => {
      try {
        const job = jobs[request.job];
        if (job === undefined) throw new Error(`no job ${request.job}`);
        const output = await job(request.input, { signal: abort.signal, emit });
        port.postMessage({ kind: "done", id: request.id, output } satisfies Reply);
      } catch (error) {
        port.postMessage({ kind: "failed", id: request.id, error: toErrorValue(error), aborted: abort.signal.aborted } satisfies Reply);
      } finally {
        running.delete(request.id);
      }
    })();
  });
}
