import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

export interface HttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | undefined;
  readonly signal: AbortSignal;
}

/**
 * The beginning of the answer; its body is read from the message. Rejects when there is none: an abort with an `AbortError`.
 *
 * It is `node:http`, as fetch costs twice the CPU time: it copies the body, and its streams take many steps.
 */
export type Exchange = (request: HttpRequest) => Promise<IncomingMessage>;

/** Connections are kept for a next request. They do not keep the program from ending. */
export function createExchange(): Exchange {
  const kept = { keepAlive: true };
  const http = { request: httpRequest, agent: new HttpAgent(kept) };
  const https = { request: httpsRequest, agent: new HttpsAgent(kept) };
  return async (request) => {
    const { method, headers, body, signal } = request;
    const protocol = request.url.startsWith("https:") ? https : http;
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const outgoing = protocol.request(request.url, { method, headers: { ...headers, ...length }, agent: protocol.agent });
      let answer: IncomingMessage | undefined;
      // Given to the request, the signal would end its connection also when the answer is all there: then it is kept for others, or already used by one.
      const abort = (): void => void (answer?.complete === true || outgoing.destroy(toError(signal.reason)));
      signal.addEventListener("abort", abort, { once: true });
      outgoing.on("close", () => signal.removeEventListener("abort", abort));
      // An abort may come while nobody reads the body: who reads it is told then, and an error that nobody hears would end the program.
      outgoing.on("response", (message) => resolve((answer = message.on("error", () => undefined))));
      outgoing.on("error", reject).end(body);
      if (signal.aborted) abort();
      try {
        return await promise;
      } catch (error) {
        // The server may close a connection that nobody used for a while at the very moment when it is used again. Every request of ours may be sent twice.
        if (!outgoing.reusedSocket || signal.aborted) throw error;
      }
    }
  };
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
