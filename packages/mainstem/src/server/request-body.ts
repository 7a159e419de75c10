import type { IncomingMessage } from "node:http";
import { MainstemError } from "../runtime/errors.ts";

/** While so much of a body is held, nothing more is read from its connection. Twice what Node itself would hold. */
const arrivedBytesMax = 131_072;

export interface ReadBodyOptions {
  readonly idleMs: number;
  /** For the whole body. */
  readonly totalMs?: number;
  /** Called when the first byte is asked for. */
  readonly onWanted?: () => void;
}

/**
 * A request's body, read no faster than it is asked for. A client for which we wait `idleMs` without a byte, or `totalMs` altogether, gets
 * `server.timeout`; time in which we do not read does not count against it. Ending early leaves the request so that it can still be answered.
 */
export async function* readBody(request: IncomingMessage, { idleMs, totalMs = Number.POSITIVE_INFINITY, onWanted }: ReadBodyOptions): AsyncGenerator<Buffer> {
  onWanted?.();
  using arrivals = new Arrivals(request);
  let waitedMs = 0;
  for (;;) {
    const chunks = arrivals.take();
    if (chunks.length > 0) for (const chunk of chunks) yield chunk;
    else if (arrivals.areOver) return;
    else {
      const since = performance.now();
      if (!(await arrivals.change(Math.min(idleMs, totalMs - waitedMs))))
        throw new MainstemError("server.timeout", "The body came too slowly.", { idleMs, totalMs });
      waitedMs += performance.now() - since;
    }
  }
}

/** What has arrived of a request's body. Whoever waits for more is woken once a turn of the event loop, not for each chunk that the turn brings (decision 055). */
class Arrivals implements Disposable {
  readonly #request: IncomingMessage;
  #chunks: Buffer[] = [];
  /** Of what was taken last, too. */
  #bytes = 0;
  #takenBytes = 0;
  #failure: Error | undefined;
  /** Whether who waits will be woken at the end of this turn of the event loop. */
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
    request.on("data", this.#onData).on("end", this.#onChange).on("close", this.#onChange).on("error", this.#onError);
    // After an answer node:http does not tell a request any more that its connection is gone.
    request.socket.on("close", this.#onChange);
  }

  /** Whether nothing more comes, once everything was taken. Throws `BrokenBody` where that is not the whole body. */
  get areOver(): boolean {
    const { readableEnded, complete, destroyed, socket } = this.#request;
    if (readableEnded && complete) return true;
    if (this.#failure !== undefined || destroyed || socket.destroyed) throw new BrokenBody(this.#failure);
    return false;
  }

  /** What has come since the last call, which is done with what it got. */
  take(): readonly Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes -= this.#takenBytes;
    this.#takenBytes = this.#bytes;
    return chunks;
  }

  /** Resolves when there may be more, or an end; with false when nothing happened for so long. */
  change(patienceMs: number): Promise<boolean> {
    if (this.#request.isPaused()) this.#request.resume();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs, false);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  [Symbol.dispose](): void {
    const request = this.#request;
    request.off("data", this.#onData).off("end", this.#onChange).off("close", this.#onChange).off("error", this.#onError);
    request.socket.off("close", this.#onChange);
    // Without a listener it would flow on, into nothing.
    if (!request.complete) request.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= arrivedBytesMax) this.#request.pause();
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#onChange);
  };

  readonly #onChange = (): void => {
    this.#isDue = false;
    this.#wake?.();
    this.#wake = undefined;
  };

  readonly #onError = (error: Error): void => {
    this.#failure = error;
    this.#onChange();
  };
}

/** The client went away in the midst of its body: an ending, nobody is left to be told. */
export class BrokenBody extends Error {
  override readonly name = "AbortError";
  constructor(cause: unknown) {
    super("The connection broke before the body was complete.", { cause });
  }
}
