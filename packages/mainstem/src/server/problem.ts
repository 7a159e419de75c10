import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import { CodedError } from "@mainstem/contract";
import { codes, factsOf, isAbort, MainstemError, type Code } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { toJson } from "./json.ts";

export const problemType = "application/problem+json";
/** Bytes and time for which an upload that was answered already is read and thrown away, so that its sender gets to see the answer. */
const drainBytesMax = 67_108_864;
const drainMs = 2_000;
/** Who sends nothing for so long has read the answer, or will not. */
const drainIdleMs = 300;

/** An error as RFC 9457 shows it: its code, what to do about it, and its facts as further members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: Code;
  readonly remedy: string;
  readonly [fact: string]: unknown;
}

/** How an error is written: as a problem, or as clients of another API know it. */
export interface ErrorShape {
  readonly type: string;
  toBody(problem: Problem): unknown;
}

const problemShape: ErrorShape = { type: problemType, toBody: (problem) => problem };

const reserved: ReadonlySet<string> = new Set(["type", "title", "status", "detail", "code", "remedy", "instance"]);

export function toProblem(error: unknown): Problem {
  const { code, status, remedy } = factsOf(error);
  const coded = error instanceof CodedError && error.code in codes ? error : undefined;
  const facts = Object.fromEntries(Object.entries(coded?.facts ?? {}).filter(([name]) => !reserved.has(name)));
  return {
    type: `urn:mainstem:error:${code}`,
    title: STATUS_CODES[status] ?? "Error",
    status,
    // What is inside an unexpected error is for the log, not for whoever is on the other end.
    detail: coded?.message ?? "Something failed inside Mainstem.",
    code,
    remedy,
    ...facts,
  };
}

/** The headers that belong to a problem besides its type. */
export function problemHeaders(problem: Problem): Record<string, string> {
  const after = problem["retryAfterSeconds"];
  if (typeof after === "number") return { "retry-after": String(after) };
  if (problem.status === 503) return { "retry-after": "5" };
  if (problem.code === "ingest.datasetClosed") return { "mainstem-successor": String(problem["successor"]) };
  if (problem.status === 401) return { "www-authenticate": "Bearer" };
  const allow = problem["allow"];
  return problem.status === 405 && Array.isArray(allow) ? { allow: allow.join(", ") } : {};
}

/** Logs what a person who runs the server should know of: faults of ours, but not that a client went before its answer came. */
export function logFailure(logger: Logger, error: unknown, request: IncomingMessage): void {
  if (isAbort(error)) return;
  const { code, status } = factsOf(error);
  if (status < 500) return;
  const facts = { code, method: request.method, path: request.url?.split("?", 1)[0], message: error instanceof Error ? error.message : String(error) };
  if (code === "runtime.bug") logger.error("request failed", { ...facts, stack: error instanceof Error ? error.stack : undefined });
  else logger.warn("request failed", facts);
}

/**
 * Answers a request with a problem, also in the midst of its body: what is left of a short one is read first, so that the connection can be used
 * again; otherwise the connection ends, after the sender had the time to read the answer. When an answer has begun already, it is cut off:
 * an answer that ends without its end is a failure in every client.
 */
export async function sendProblem(request: IncomingMessage, response: ServerResponse, error: unknown, shape = problemShape): Promise<void> {
  // Of an aborted request nobody is left to be told.
  if (response.headersSent || response.destroyed || isAbort(error)) {
    response.destroy();
    return;
  }
  const problem = toProblem(error);
  const body = Buffer.from(toJson(shape.toBody(problem)));
  const headers = { "content-type": shape.type, "content-length": body.length, ...problemHeaders(problem) };
  if (isOver(request)) {
    response.writeHead(problem.status, headers);
    response.end(body);
    return;
  }
  response.writeHead(problem.status, { ...headers, connection: "close" });
  response.write(body);
  await drain(request);
  response.end();
}

export function notFound(path: string): MainstemError {
  return new MainstemError("server.notFound", `There is nothing at ${path}.`);
}

export function methodNotAllowed(method: string, allow: readonly string[]): MainstemError {
  return new MainstemError("server.method", `${method} is no method of this route.`, { allow });
}

/** Nothing of the request is still to come: of one without a body that is so before node:http says it. */
export function isOver(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return request.complete || (encoding === undefined && (length === undefined || length === "0"));
}

/** Reads and drops the rest of a body, for a while. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.destroyed || request.complete) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const whole = setTimeout(resolve, drainMs);
  const idle = setTimeout(resolve, drainIdleMs);
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    idle.refresh();
    if (bytes > drainBytesMax) resolve();
  });
  for (const event of ["end", "close", "error"]) request.once(event, () => resolve());
  request.resume();
  await promise;
  clearTimeout(whole);
  clearTimeout(idle);
  request.pause();
}
