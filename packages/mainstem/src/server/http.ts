import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { toJson } from "./json.ts";
import { problemType, toProblem } from "./problem.ts";

export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpOptions {
  readonly handle: Handle;
  readonly headersMs: number;
  readonly connectionsMax: number;
}

/** A node:http server that is careful with strangers: small headers in good time, no more connections than it can serve. */
export function createHttp({ handle, headersMs, connectionsMax }: HttpOptions): HttpServer {
  const server = createServer(
    {
      maxHeaderSize: limits.headersBytesMax,
      headersTimeout: headersMs,
      connectionsCheckingInterval: Math.min(5_000, headersMs),
      // Bodies may stream for hours; whoever reads one watches that it moves.
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
      keepAlive: true,
      noDelay: true,
      // A missing Host is answered by `handle`, with a code.
      requireHostHeader: false,
    },
    handle,
  );
  server.maxConnections = connectionsMax;
  // Who waits for 100 Continue gets it when the body is wanted, which is not before the request was looked at.
  server.on("checkContinue", handle);
  return server;
}

/** The answers that are being made, by connection: what an unreadable request may be answered with depends on them. */
const answering = new WeakMap<Socket, { readonly request: IncomingMessage; readonly response: ServerResponse }>();
const failed = new WeakSet<Socket>();

export function noteAnswer(request: IncomingMessage, response: ServerResponse): void {
  answering.set(request.socket, { request, response });
}

/** Answers what node:http could not read as HTTP: with a problem where an answer can still be given, and then ends the connection. */
export function onClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (failed.has(socket)) return;
  failed.add(socket);
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { request, response } = answering.get(socket) ?? {};
  const problem = toProblem(toCoded(error));
  const body = toJson(problem);
  const raw = `HTTP/1.1 ${problem.status} ${problem.title}\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
  if (request === undefined || response === undefined || response.writableFinished) endWith(socket, raw);
  // The request before it was whole: it gets its answer first.
  else if (request.complete) response.once("finish", () => endWith(socket, raw));
  else if (response.headersSent) socket.destroy();
  else {
    response.writeHead(problem.status, { "content-type": problemType, "content-length": Buffer.byteLength(body), connection: "close" });
    response.end(body, () => socket.destroySoon());
  }
}

/** The writing side ends at once; what still comes is not read, and the connection goes when the answer has. */
function endWith(socket: Socket, raw: string): void {
  if (!socket.writable) return;
  socket.end(raw, () => socket.destroy());
}

function toCoded(error: Error & { readonly code?: string }): MainstemError {
  if (error.code === "HPE_HEADER_OVERFLOW")
    return new MainstemError("server.headersTooLarge", `The headers take more than ${limits.headersBytesMax} bytes.`, { bytesMax: limits.headersBytesMax });
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return new MainstemError("server.timeout", "The headers came too slowly.");
  return new MainstemError("server.malformed", `The request is not HTTP: ${error.message}.`);
}
