import type { IncomingMessage } from "node:http";
import { MainstemError } from "../runtime/errors.ts";

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
  const { socket } = request;
  let waitedMs = 0;
  onWanted?.();
  let wake: (() => void) | undefined;
  let failure: Error | undefined;
  const onChange = (): void => wake?.();
  const onError = (error: Error): void => {
    failure = error;
    wake?.();
  };
  request.on("readable", onChange).on("end", onChange).on("close", onChange).on("error", onError);
  // After an answer node:http does not tell a request any more that its connection is gone.
  socket.on("close", onChange);
  try {
    for (;;) {
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) yield chunk;
      else if (request.readableEnded && request.complete) return;
      else if (failure !== undefined || request.destroyed || socket.destroyed) throw new BrokenBody(failure);
      else {
        const since = performance.now();
        await new Promise<void>((resolve, reject) => {
          const patienceMs = Math.min(idleMs, totalMs - waitedMs);
          const timer = setTimeout(() => reject(new MainstemError("server.timeout", "The body came too slowly.", { idleMs, totalMs })), patienceMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        waitedMs += performance.now() - since;
      }
      wake = undefined;
    }
  } finally {
    request.off("readable", onChange).off("end", onChange).off("close", onChange).off("error", onError);
    socket.off("close", onChange);
  }
}

/** The client went away in the midst of its body: an ending, nobody is left to be told. */
export class BrokenBody extends Error {
  override readonly name = "AbortError";
  constructor(cause: unknown) {
    super("The connection broke before the body was complete.", { cause });
  }
}
