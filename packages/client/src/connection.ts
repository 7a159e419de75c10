import { ClientError, usage } from "./client-error.ts";

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
  readonly body?: Uint8Array<ArrayBuffer> | string;
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
  /** The answer as a stream. `requestMs` is for its beginning only. */
  open(call: Call): Promise<{ readonly headers: Headers; readonly body: ReadableStream<Uint8Array> }>;
}

export function openConnection({ url, token, requestMs }: ConnectionOptions): Connection {
  const base = parseUrl(url);

  async function send({ method = "GET", path, headers, body, signal }: Call, within: AbortSignal): Promise<Response> {
    const sent = { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    try {
      return await fetch(base + path, { method, headers: sent, ...(body === undefined ? {} : { body }), signal: within, redirect: "error" });
    } catch (error) {
      throw toFailure(error, { base, signal });
    }
  }

  return {
    async call(call) {
      const within = AbortSignal.any([call.signal, AbortSignal.timeout(requestMs)]);
      const response = await send(call, within);
      const text = await readText(response, { base, signal: call.signal });
      const body = parseBody(text);
      if (response.ok && body !== undefined) return { status: response.status, body };
      if (call.accept?.includes(response.status) === true && body !== undefined && !isProblem(body)) return { status: response.status, body };
      throw toProblem(response, body, base);
    },
    async open(call) {
      const begun = new AbortController();
      const timer = setTimeout(() => begun.abort(new DOMException("The answer did not begin in time.", "TimeoutError")), requestMs);
      try {
        const response = await send(call, AbortSignal.any([call.signal, begun.signal]));
        if (response.ok && response.body !== null) return { headers: response.headers, body: response.body };
        throw toProblem(response, parseBody(await readText(response, { base, signal: call.signal })), base);
      } finally {
        clearTimeout(timer);
      }
    },
  };
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

/** What reading a body, or fetch itself, threw. */
export function toFailure(error: unknown, { base, signal }: { readonly base: string; readonly signal: AbortSignal }): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Error && error.name === "TimeoutError")
    return new ClientError("client.timeout", `${base} did not answer in time.`, { url: base }, { cause: error });
  return new ClientError("client.unreachable", `No answer from ${base}: ${reasonOf(error)}.`, { url: base }, { cause: error });
}

/** fetch says "fetch failed"; why is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
  return error.message;
}

async function readText(response: Response, place: { readonly base: string; readonly signal: AbortSignal }): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
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

function toProblem(response: Response, body: unknown, base: string): ClientError {
  const { status } = response;
  const after = parseRetryAfter(response.headers.get("retry-after"));
  const waits = after === undefined ? {} : { retryAfterMs: after };
  if (!isProblem(body)) {
    // A proxy that stands before the server may answer for it; its status still says whether to come again.
    return new ClientError("client.answer", `${base} answered ${status} with something that is not Mainstem's.`, { url: base, status, ...waits });
  }
  const { code, detail, ...facts } = body as { readonly code: unknown; readonly detail: unknown };
  return new ClientError(String(code), String(detail), { ...facts, status, ...waits });
}

function parseRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), retryAfterMsMax);
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "")
    throw usage(`${JSON.stringify(text)} is not the address of a server: give it as http://host:port, and the token apart.`, { option: "url" });
  return url.href.replace(/\/$/, "");
}
