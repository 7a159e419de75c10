import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Ingest } from "../ingest/index.ts";
import type { Log } from "../log/index.ts";
import type { Registry } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import { UnderWay } from "../runtime/under-way.ts";
import { createApi } from "./api.ts";
import { createHttp, noteAnswer, onClientError, type Handle } from "./http.ts";
import { createMetrics } from "./metrics.ts";
import { sendProblem } from "./problem.ts";
import { createRecordsRoute, recordsName } from "./records-route.ts";
import { isRegistryPath, registryPrefix } from "./registry-api/registry-api.ts";
import { registryShape } from "./registry-api/registry-error.ts";
import { createGuard, createHostCheck, isLoopback } from "./token.ts";
import type { PlatformView } from "./view.ts";
import { createWebPage } from "./web/web-page.ts";

export interface ServerOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly ingest: Ingest;
  readonly view: PlatformView;
  readonly env: Env;
  readonly logger: Logger;
  /** Of the platform, for the API's description. */
  readonly version: string;
  readonly config: ServerConfig;
  /** Where the build of the web page lies; without it `/` says that there is none. */
  readonly webDirectory?: string | undefined;
}

export interface ServerConfig {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Where the schema registry's API is served too, without its prefix; 0 takes any free one. */
  readonly registryPort?: number | undefined;
  /** Who does not send it as `Authorization: Bearer` is turned away; required on every address that other machines can reach. */
  readonly token?: string | undefined;
  readonly limits?: Partial<ServerLimits>;
}

/** In milliseconds; defaults in `runtime/limits.ts`. */
export interface ServerLimits {
  readonly headersMs: number;
  readonly idleMs: number;
  readonly wholeBodyMs: number;
  readonly closeMs: number;
  readonly lingerMs: number;
  readonly connectionsMax: number;
}

export interface Server extends AsyncDisposable {
  /** Such as `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of the schema registry's API, where it has a port of its own. */
  readonly registryUrl: string | undefined;
  /** Answers new requests with 503 and Retry-After, lets those that run finish for a while, ends followed logs, then cuts what is left. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the HTTP API and listens.
 * Errors: `server.tokenRequired`, `server.portInUse`, `server.listenFailed`.
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { config, logger } = options;
  const own: ServerLimits = { ...limits, ...config.limits };
  if (config.token === undefined && !isLoopback(config.host))
    throw new MainstemError("server.tokenRequired", `${config.host} can be reached from other machines, so the server needs a token.`, { host: config.host });
  const closing = new AbortController();
  const metrics = createMetrics(options);
  const guard = createGuard(config.token);
  const checkHost = createHostCheck(config);
  const records = createRecordsRoute({ ...options, ...own, replays: options.view.replays, metrics, closing: closing.signal });
  const web = createWebPage(options.webDirectory);
  const open = new UnderWay<ServerResponse>();
  closing.signal.addEventListener("abort", () => {
    for (const response of open) if (!response.headersSent) response.setHeader("connection", "close");
  });
  let api: Handle | undefined;

  /** What every request meets first; true when it may go on. */
  const admit = (request: IncomingMessage, response: ServerResponse): boolean => {
    // Failures are told by the body's reader and the response's close event; without a listener they would end the process.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    noteAnswer(request, response);
    const entry = open.add(response);
    response.once("close", () => open.delete(entry));
    if (closing.signal.aborted) response.setHeader("connection", "close");
    try {
      if (closing.signal.aborted) throw new MainstemError("server.closing", "The server is closing and takes no new requests.");
      checkHost(request);
      // The page holds nothing secret: it asks its reader for the token, and sends that with each question.
      if (request.url?.split("?", 1)[0] !== "/health" && !web.serves(request)) guard(request);
      if (request.headers.host === undefined && request.httpVersion === "1.1") throw new MainstemError("server.malformed", "The request has no Host header.");
      return true;
    } catch (error) {
      void sendProblem(request, response, error, isRegistryPath(request.url ?? "") ? registryShape : undefined);
      return false;
    }
  };
  const handle: Handle = (request, response) => {
    if (!admit(request, response)) return;
    if (web.serves(request)) {
      void web.answer(request, response);
      return;
    }
    const name = recordsName(request.url ?? "");
    if (name !== undefined) void records(name, request, response);
    else {
      if (request.headers.expect !== undefined) response.writeContinue();
      api?.(request, response);
    }
  };
  const handleRegistry: Handle = (request, response) => {
    // What its sender reads in an error is what it asked for.
    Object.assign(request, { originalUrl: request.url, url: `${registryPrefix}${request.url}` });
    if (!admit(request, response)) return;
    if (request.headers.expect !== undefined) response.writeContinue();
    api?.(request, response);
  };
  const server = createHttp({ handle, ...own });
  const app = await createApi({
    ...options,
    ...own,
    metrics,
    onClientError,
    serve: (handler) => {
      api = handler;
      return server;
    },
  });
  const listening = new AsyncDisposableStack();
  listening.defer(() => app.close());
  let drained: Promise<void> | undefined;
  const stop = async (one: HttpServer): Promise<void> => {
    const isUsed = (await countConnections(one)) > 0;
    await (drained ??= drain(open, { closing, closeMs: own.closeMs }));
    // Who is about to send, over a connection that is open or by one of its own, shall be told to come later: to a client a cut is a failure.
    if (isUsed) await sleep(own.lingerMs);
    await close(one);
  };
  const port = await listen(server, { host: config.host, port: config.port });
  listening.adopt(server, stop);
  let registryUrl: string | undefined;
  if (config.registryPort !== undefined) {
    const second = createHttp({ handle: handleRegistry, ...own }).on("clientError", onClientError);
    try {
      registryUrl = urlOf(config.host, await listen(second, { host: config.host, port: config.registryPort }));
    } catch (error) {
      await listening.disposeAsync();
      throw error;
    }
    listening.adopt(second, stop);
  }
  logger.info("server listens", { host: config.host, port, ...(registryUrl === undefined ? {} : { registryUrl }) });

  return { url: urlOf(config.host, port), host: config.host, port, registryUrl, [Symbol.asyncDispose]: () => listening.disposeAsync() };
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}

async function listen(server: HttpServer, { host, port }: Pick<ServerConfig, "host" | "port">): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host: host.replace(/^\[|\]$/g, ""), port, exclusive: true }, resolve);
  try {
    await promise;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "EADDRINUSE")
      throw new MainstemError("server.portInUse", `Port ${port} of ${host} is in use, by another Mainstem or another program.`, { host, port }, { cause });
    throw new MainstemError("server.listenFailed", `The server cannot listen on ${host}:${port}: ${String(code ?? cause)}.`, { host, port }, { cause });
  }
  server.off("error", reject);
  return (server.address() as AddressInfo).port;
}

/** From now on new requests are told to come later; resolves when those that run are answered, or their time is over. */
async function drain(open: Iterable<ServerResponse>, { closing, closeMs }: { readonly closing: AbortController; readonly closeMs: number }): Promise<void> {
  const running = [...open].map((response) => new Promise((resolve) => response.once("close", resolve)));
  closing.abort(new DOMException("The server is closing.", "AbortError"));
  const { promise, resolve } = Promise.withResolvers<void>();
  const cut = setTimeout(resolve, closeMs);
  await Promise.race([Promise.all(running), promise]);
  clearTimeout(cut);
}

function countConnections(server: HttpServer): Promise<number> {
  return promisify((done: (error: Error | null, connections: number) => void) => server.getConnections(done))();
}

/** How long the last answers, those that tell of the closing, may take to be read. */
const lastAnswersMs = 500;

async function close(server: HttpServer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // Connections that wait for their next request would keep it open; those that finish a request now close by themselves.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), lastAnswersMs);
  await promise;
  clearInterval(idle);
  clearTimeout(cut);
}
