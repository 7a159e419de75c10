import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { formatExact, parseExact } from "@mainstem/contract";
import { brokenFailure, foreignFailure, parseServer, problemFailure, toFailure } from "./client-failure.ts";
import type { ServerAddress } from "./server-address.ts";

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
  /** The lines of an NDJSON answer, as they come, unparsed. Throws when it ends before its end, also by `signal`. */
  lines(call: Call): AsyncIterable<string>;
}

export function createClient(address: ServerAddress): Client {
  const base = parseServer(address);

  async function send(call: Call): Promise<IncomingMessage> {
    const url = new URL(base.pathname.replace(/\/$/, "") + call.path, base);
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const json = call.body !== undefined && !isStream(call.body) && !(call.body instanceof Uint8Array);
    const headers: OutgoingHttpHeaders = {
      accept: "application/json",
      ...(json ? { "content-type": "application/json" } : {}),
      ...(address.token === undefined ? {} : { authorization: `Bearer ${address.token}` }),
      ...call.headers,
    };
    // Only what is used: Node loads much with each of them.
    const { request: open } = await (url.protocol === "https:" ? import("node:https") : import("node:http"));
    const request = open(url, { method: call.method ?? "GET", headers, signal: call.signal });
    const answered = new Promise<IncomingMessage>((resolve, reject) => request.once("response", resolve).once("error", reject));
    try {
      if (isStream(call.body)) {
        // An early answer (a problem) counts, even where the server then stops reading.
        const written = pipeline(call.body, request).then(() => answered);
        written.catch(() => undefined);
        return await Promise.any([answered, written]).catch((error: AggregateError) => Promise.reject(error.errors[0] as Error));
      }
      request.end(call.body === undefined ? undefined : call.body instanceof Uint8Array ? call.body : formatExact(call.body));
      return await answered;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw toFailure(error, address);
    }
  }

  async function read(response: IncomingMessage, { signal }: Call): Promise<string> {
    try {
      return await text(response);
    } catch (error) {
      // Node tells of an answer that was cut on purpose as of one that broke.
      signal?.throwIfAborted();
      throw toFailure(error, address);
    }
  }

  return {
    server: base.href.replace(/\/$/, ""),
    async call(call) {
      const response = await send(call);
      const status = response.statusCode ?? 0;
      const body = parseBody(await read(response, call), address);
      if (status >= 400 && call.accept?.includes(status) !== true) throw problemFailure({ status, body }, address);
      if (status >= 300 && status < 400) throw foreignFailure(`status ${status}`, address);
      return { status, headers: response.headers, body };
    },
    async *lines(call) {
      const response = await send({ ...call, headers: { accept: "application/x-ndjson", ...call.headers } });
      const status = response.statusCode ?? 0;
      if (status >= 400) throw problemFailure({ status, body: parseBody(await read(response, call), address) }, address);
      try {
        yield* splitLines(response);
        if (response.complete) return;
      } catch (error) {
        // Nothing but the connection can fail here.
        call.signal?.throwIfAborted();
        throw brokenFailure(address, error);
      } finally {
        // Who has read enough does not keep the connection, and with it the program, open.
        response.destroy();
      }
      call.signal?.throwIfAborted();
      throw brokenFailure(address);
    },
  };
}

/** The lines that are not empty, no more of them at a time than a chunk has: who takes long over one makes the sender wait. */
async function* splitLines(response: IncomingMessage): AsyncGenerator<string> {
  let line = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    const [first = "", ...others] = chunk.split("\n");
    line += first;
    for (const next of others) {
      if (line !== "") yield line;
      line = next;
    }
  }
  if (line !== "") yield line;
}

/** A part of a path that may hold anything. */
export function path(strings: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return strings.reduce((whole, part, index) => `${whole}${part}${index < values.length ? encodeURIComponent(values[index] ?? "") : ""}`, "");
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "pipe" in body;
}

/** What a Mainstem answers is an object, or nothing at all. */
function parseBody(body: string, address: ServerAddress): unknown {
  if (body === "") return undefined;
  try {
    const value = parseExact(body);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw foreignFailure(JSON.stringify(body.slice(0, 80)), address);
}
