import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { request as requestHttps } from "node:https";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { CliFailure, type Problem } from "./failure.ts";

export interface Call {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  /** With its leading slash; parts that came from outside are encoded already (`path`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON; bytes and streams as they are. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** The HTTP API of one server, without any knowledge of its routes. Node's own client: no idle timeout cuts a `--follow`. */
export interface Client {
  readonly server: string;
  /** The parsed answer; a problem is thrown as `CliFailure`, except for a status in `accept`. */
  call(call: Call & { readonly accept?: readonly number[] }): Promise<Answer>;
  /** The lines of an NDJSON answer, as they come, unparsed. */
  lines(call: Call): AsyncIterable<string>;
}

export function createClient(options: { readonly server: string; readonly token: string | undefined }): Client {
  const base = parseServer(options.server);

  async function send(call: Call): Promise<IncomingMessage> {
    const url = new URL(base.pathname.replace(/\/$/, "") + call.path, base);
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const json = call.body !== undefined && !isStream(call.body) && !(call.body instanceof Uint8Array);
    const headers: OutgoingHttpHeaders = {
      accept: "application/json",
      ...(json ? { "content-type": "application/json" } : {}),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...call.headers,
    };
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, { method: call.method ?? "GET", headers, signal: call.signal });
    const answered = new Promise<IncomingMessage>((resolve, reject) => request.once("response", resolve).once("error", reject));
    try {
      if (isStream(call.body)) {
        // An early answer (a problem) counts, even where the server then stops reading.
        const written = pipeline(call.body, request).then(() => answered);
        written.catch(() => undefined);
        return await Promise.any([answered, written]).catch((error: AggregateError) => Promise.reject(error.errors[0] as Error));
      }
      request.end(call.body === undefined ? undefined : call.body instanceof Uint8Array ? call.body : JSON.stringify(call.body));
      return await answered;
    } catch (error) {
      throw toFailure(error, base);
    }
  }

  return {
    server: base.href.replace(/\/$/, ""),
    async call(call) {
      const response = await send(call);
      const status = response.statusCode ?? 0;
      const body = parseBody(await read(response, base), base);
      if (status >= 400 && call.accept?.includes(status) !== true) throw problemFailure(status, body);
      return { status, headers: response.headers, body };
    },
    async *lines(call) {
      const response = await send({ ...call, headers: { accept: "application/x-ndjson", ...call.headers } });
      const status = response.statusCode ?? 0;
      if (status >= 400) throw problemFailure(status, parseBody(await read(response, base), base));
      try {
        for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) if (line !== "") yield line;
        if (response.complete) return;
      } catch (error) {
        // Nothing but the connection can fail here; that it was cut on purpose is an ending.
        if (call.signal?.aborted) return;
        throw broken(base, error);
      }
      if (!call.signal?.aborted) throw broken(base);
    },
  };
}

/** A part of a path that may hold anything. */
export function path(strings: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return strings.reduce((whole, part, index) => `${whole}${part}${index < values.length ? encodeURIComponent(values[index] ?? "") : ""}`, "");
}

function parseServer(server: string): URL {
  const url = URL.parse(server.includes("://") ? server : `http://${server}`);
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new CliFailure("cli.usage", `${JSON.stringify(server)} is not the address of a server.`, { remedy: "Give it as http://host:port.", exitCode: 2 });
  return url;
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "pipe" in body;
}

async function read(response: IncomingMessage, base: URL): Promise<string> {
  try {
    return await text(response);
  } catch (error) {
    throw toFailure(error, base);
  }
}

function parseBody(body: string, base: URL): unknown {
  if (body === "") return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw new CliFailure("cli.answer", `${base.origin} answered with something that is not JSON: ${JSON.stringify(body.slice(0, 80))}`, {
      remedy: "Is that address a Mainstem server? Check --server or MAINSTEM_SERVER.",
    });
  }
}

function problemFailure(status: number, body: unknown): CliFailure {
  const problem: Partial<Problem> & { readonly title?: string } = typeof body === "object" && body !== null ? body : {};
  const { code, detail, title, remedy, ...rest } = problem;
  return new CliFailure(code ?? `http.${status}`, detail ?? title ?? `The server answered ${status}.`, { remedy, facts: { ...rest, ...rest.facts } });
}

function broken(base: URL, cause?: unknown): CliFailure {
  return new CliFailure("cli.connection", `The connection to ${base.origin} broke before the answer was complete.`, { remedy: "Repeat the command.", cause });
}

const unreachable: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN", "ETIMEDOUT"]);

function toFailure(error: unknown, base: URL): unknown {
  const code = codeOf(error);
  if (code !== undefined && unreachable.has(code))
    return new CliFailure("cli.noServer", `No Mainstem answers at ${base.origin}.`, {
      remedy: "Start one with `mainstem dev`, or name one that runs with --server or MAINSTEM_SERVER.",
      cause: error,
    });
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE")
    return new CliFailure("cli.connection", `The connection to ${base.origin} broke.`, {
      remedy: "See the server's log, and repeat the command.",
      cause: error,
    });
  return error;
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return error.errors.map(codeOf).find((code) => code !== undefined);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
