import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";

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
  const heard = new WeakSet<Socket>();
  // Between the end of an answer and the return of its connection to the agent nobody listens to it: an abort at that moment would end the program.
  const hear = (socket: Socket): void => {
    if (heard.has(socket)) return;
    heard.add(socket);
    socket.on("error", () => undefined);
  };
  const http = { request: httpRequest, agent: new HttpAgent(kept) };
  const https = { request: httpsRequest, agent: new HttpsAgent(kept) };
  return async (request) => {
    const { method, headers, body, signal } = request;
    const protocol = request.url.startsWith("https:") ? https : http;
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const outgoing = protocol.request(request.url, { method, headers: { ...headers, ...length }, agent: protocol.agent, signal });
      outgoing.on("socket", hear).on("response", resolve).on("error", reject).end(body);
      try {
        return await promise;
      } catch (error) {
        // The server may close a connection that nobody used for a while at the very moment when it is used again. Every request of ours may be sent twice.
        if (!outgoing.reusedSocket || signal.aborted) throw error;
      }
    }
  };
}
