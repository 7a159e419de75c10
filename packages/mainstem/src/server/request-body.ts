import type { IncomingMessage } from "node:http";
import { MainstemError } from "../runtime/errors.ts";

/** While so much of a body is held, nothing more is read from its connection. */
const heldBytesMax = 131_072;
/** More chunks than this are handed on as one: of those that sockets fill there are never as many at once. */
const chunksMax = 8;
/** So many are put together as soon as they are there: a body may come in chunks of one byte, and each is an object. */
const joinedChunks = 256;

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
  /** How many of them, from the first on, were put together. */
  #joined = 0;
  /** Of what was taken last, too. */
  #heldBytes = 0;
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
    if (this.#request.readableEnded && this.#request.complete) return true;
    if (this.#isBroken) throw new BrokenBody(this.#failure);
    return false;
  }

  get #isBroken(): boolean {
    return this.#failure !== undefined || this.#request.destroyed || this.#request.socket.destroyed;
  }

  /** What has come since the last call, which is done with what it got. */
  take(): readonly Buffer[] {
    if (this.#isBroken) this.#readRest();
    const chunks = this.#chunks.length > chunksMax ? [Buffer.concat(this.#chunks)] : this.#chunks;
    this.#chunks = [];
    this.#joined = 0;
    this.#heldBytes -= this.#takenBytes;
    this.#takenBytes = this.#heldBytes;
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
    // Somebody else may read the rest already. Otherwise it stays where it is, as without a listener it would flow on, into nothing.
    if (request.complete || request.listenerCount("data") > 0) request.resume();
    else request.pause();
  }

  /** Node tells nothing more of a request that is broken, but still has what was read of it while it was paused. */
  #readRest(): void {
    this.#request.off("data", this.#onData);
    const rest = this.#request.read() as Buffer | null;
    if (rest !== null) this.#chunks.push(rest);
  }

  #join(): void {
    const joined = Buffer.concat(this.#chunks.splice(this.#joined));
    this.#joined = this.#chunks.push(joined);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    if (this.#chunks.length === this.#joined + joinedChunks) this.#join();
    this.#heldBytes += chunk.length;
    if (this.#heldBytes >= heldBytesMax) this.#request.pause();
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
