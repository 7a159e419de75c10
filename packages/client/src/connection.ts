import type { IncomingMessage } from "node:http";
import { ClientError, usage } from "./client-error.ts";
import { createExchange } from "./http-exchange.ts";

/** How much of an answer that is no NDJSON is read. */
const answerBytesMax = 64_000_000;
/** What a server may ask for with Retry-After. */
const retryAfterMsMax = 300_000;

export interface ConnectionOptions {
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** How long one request may take before it is tried again. */
  readonly requestMs: number;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT";
  /** With its leading slash, encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * One server's HTTP API. Every failure is a `ClientError`: `client.unreachable`, `client.timeout`, `client.answer`, or the server's own problem.
 * An abort rejects with the signal's reason.
 */
export interface Connection {
  /** The JSON answer; problems are thrown, except for a status in `accept` whose body is no problem. */
  call(call: Call & { readonly accept?: readonly number[] }): Promise<Answer>;
  /** The answer as a stream; a loop over it that is left ends the connection. `requestMs` is for its beginning only. */
  open(call: Call): Promise<{ readonly headers: Headers; readonly body: AsyncIterable<Uint8Array> }>;
}

export function openConnection({ url, token, requestMs }: ConnectionOptions): Connection {
  const base = parseUrl(url);
  const exchange = createExchange();

  async function send({ method = "GET", path, headers, body, signal }: Call, within: AbortSignal): Promise<IncomingMessage> {
    const sent = { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    try {
      return await exchange({ url: base + path, method, headers: sent, body, signal: within });
    } catch (error) {
      throw toFailure(error, { base, signal, within });
    }
  }

  return {
    async call(call) {
      const within = AbortSignal.any([call.signal, AbortSignal.timeout(requestMs)]);
      const message = await send(call, within);
      const status = message.statusCode ?? 0;
      const body = parseBody(await readText(message, { base, signal: call.signal, within }));
      if (isOk(status) && body !== undefined) return { status, body };
      if (call.accept?.includes(status) === true && body !== undefined && !isProblem(body)) return { status, body };
      throw toProblem(message, body, base);
    },
    async open(call) {
      const begun = new AbortController();
      const within = AbortSignal.any([call.signal, begun.signal]);
      const timer = setTimeout(() => begun.abort(), requestMs);
      try {
        const message = await send(call, within);
        if (isOk(message.statusCode ?? 0))
          return { headers: new Headers(Object.entries(message.headers).map(([name, value]) => [name, String(value)])), body: message };
        throw toProblem(message, parseBody(await readText(message, { base, signal: call.signal, within })), base);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}

/** A failure that may pass by itself: the same request may be sent again. */
export function isPassing(error: ClientError): boolean {
  if (passingCodes.has(error.code)) return true;
  const status = error.facts["status"];
  return typeof status === "number" && (status >= 500 ? status !== 501 : passingStatuses.has(status));
}

const passingCodes: ReadonlySet<string> = new Set(["client.unreachable", "client.timeout", "client.answer", "ingest.keyBusy"]);
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/** What the server asked for with Retry-After, in milliseconds. */
export function retryAfterMs(error: ClientError): number {
  const after = error.facts["retryAfterMs"];
  return typeof after === "number" ? after : 0;
}

interface Within {
  readonly base: string;
  /** The caller's. */
  readonly signal: AbortSignal;
  /** The caller's, or the end of the time that the request may take. */
  readonly within?: AbortSignal;
}

/** What a request, or reading the body of its answer, threw. */
export function toFailure(error: unknown, { base, signal, within }: Within): unknown {
  if (signal.aborted) return signal.reason;
  if (within?.aborted === true) return new ClientError("client.timeout", `${base} did not answer in time.`, { url: base }, { cause: error });
  return new ClientError("client.unreachable", `No answer from ${base}: ${reasonOf(error)}.`, { url: base }, { cause: error });
}

/** Such as ECONNREFUSED. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

async function readText(message: IncomingMessage, place: Within): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const part of message as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > answerBytesMax) throw new ClientError("client.answer", `The answer of ${place.base} has more than ${answerBytesMax} bytes.`, {});
      text += decoder.decode(part, { stream: true });
    }
  } catch (error) {
    throw error instanceof ClientError ? error : toFailure(error, place);
  }
  return text + decoder.decode();
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): boolean {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

function toProblem({ statusCode: status = 0, headers }: IncomingMessage, body: unknown, base: string): ClientError {
  const after = parseRetryAfter(headers["retry-after"]);
  const waits = after === undefined ? {} : { retryAfterMs: after };
  if (!isProblem(body)) {
    // A proxy that stands before the server may answer for it; its status still says whether to come again.
    return new ClientError("client.answer", `${base} answered ${status} with something that is not Mainstem's.`, { url: base, status, ...waits });
  }
  const { code, detail, ...facts } = body as { readonly code: unknown; readonly detail: unknown };
  return new ClientError(String(code), String(detail), { ...facts, status, ...waits });
}

function parseRetryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), retryAfterMsMax);
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "")
    throw usage(`${JSON.stringify(text)} is not the address of a server: give it as http://host:port, and the token apart.`, { option: "url" });
  return url.href.replace(/\/$/, "");
}
