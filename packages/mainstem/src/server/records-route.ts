import type { IncomingMessage, ServerResponse } from "node:http";
import type { Ingest } from "../ingest/index.ts";
import type { Log } from "../log/index.ts";
import type { Registry } from "../registry/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { Replays } from "../archive/index.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "./metrics.ts";
import { logFailure, methodNotAllowed, sendProblem } from "./problem.ts";
import { createRecordsGet } from "./records-get.ts";
import { createRecordsPost } from "./records-post.ts";

const route = "/v1/datasets/:name/records";
const methods = ["GET", "HEAD", "POST"] as const;
const pattern = /^\/v1\/datasets\/([^/?]+)\/records(?:\?|$)/;

/** The dataset's name, still encoded, if the address is that of its records. */
export function recordsName(url: string): string | undefined {
  return pattern.exec(url)?.[1];
}

export interface RecordsRouteOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly ingest: Ingest;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly replays: Replays;
  readonly idleMs: number;
  readonly wholeBodyMs: number;
  /** Aborted when the server closes: ends followed logs. */
  readonly closing: AbortSignal;
}

/** The path that records take in and out, on node:http itself. Never rejects. */
export function createRecordsRoute(options: RecordsRouteOptions): (encodedName: string, request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { logger, metrics, closing } = options;
  const get = createRecordsGet(options);
  const post = createRecordsPost(options);
  return async (encodedName, request, response) => {
    const started = performance.now();
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      const name = decodeName(encodedName);
      const query = queryOf(request.url ?? "");
      if (request.method === "POST") await post(request, response, { name, query, signal: gone.signal });
      else if (request.method === "GET" || request.method === "HEAD")
        await get(request, response, { name, query, signal: AbortSignal.any([gone.signal, closing]) });
      else throw methodNotAllowed(request.method ?? "", methods);
    } catch (error) {
      logFailure(logger, error, request);
      await sendProblem(request, response, error);
    }
    const method = methods.find((one) => one === request.method) ?? "other";
    metrics.observe({ method, route, status: response.statusCode, seconds: (performance.now() - started) / 1_000 });
  };
}

/** What follows the first question mark: a second one is part of a value, and must not hide what comes after it. */
function queryOf(address: string): string {
  const mark = address.indexOf("?");
  return mark < 0 ? "" : address.slice(mark + 1);
}

function decodeName(encodedName: string): string {
  try {
    return decodeURIComponent(encodedName);
  } catch (cause) {
    throw new MainstemError("server.request", "The address is not well-formed.", {}, { cause });
  }
}
