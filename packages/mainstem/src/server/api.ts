import { METHODS, type Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import swagger from "@fastify/swagger";
import { parseExact } from "@mainstem/contract";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { createInbox } from "../inbox/index.ts";
import { nestsDeeper, type Ingest } from "../ingest/index.ts";
import type { Log } from "../log/index.ts";
import type { Registry } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import { toJson } from "./json.ts";
import type { Handle } from "./http.ts";
import type { Metrics } from "./metrics.ts";
import { isOver, logFailure, methodNotAllowed, notFound, sendProblem } from "./problem.ts";
import { addRegistryApi, isRegistryPath } from "./registry-api/registry-api.ts";
import { registryShape } from "./registry-api/registry-error.ts";
import { readBody } from "./request-body.ts";
import { addDatasetRoutes } from "./routes/datasets.ts";
import { addDefinitionRoutes } from "./routes/definitions.ts";
import { addGroupRoutes } from "./routes/groups.ts";
import { addInboxRoutes } from "./routes/inbox.ts";
import { addOperationRoutes } from "./routes/operations.ts";
import { addQueryRoute } from "./routes/query.ts";
import { recordsPath } from "./routes/records-docs.ts";
import { addTaskRoutes } from "./routes/tasks.ts";
import { addRebuildRoutes } from "./routes/rebuild.ts";
import { addReplayRoutes } from "./routes/replays.ts";
import { problemSchema } from "./routes/schemas.ts";
import type { PlatformView } from "./view.ts";

export interface ApiOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly ingest: Ingest;
  readonly view: PlatformView;
  readonly env: Env;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly idleMs: number;
  readonly wholeBodyMs: number;
  /** Takes the handler of all routes and gives the server that will call it. */
  serve(handler: Handle): HttpServer;
  readonly onClientError: (error: Error & { readonly code?: string }, socket: Socket) => void;
}

/** Of a part of a path that is a name. */
const nameCharactersMax = 400;

/** Every route but that of the records, in Fastify. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { logger, idleMs, wholeBodyMs } = options;
  const app = Fastify({
    serverFactory: (handler) => options.serve(handler),
    clientErrorHandler: options.onClientError,
    frameworkErrors: (error, request, reply) => void fail(error, request as FastifyRequest, reply as FastifyReply),
    routerOptions: { maxParamLength: nameCharactersMax },
    exposeHeadRoutes: true,
    // Values are what they are: nothing is coerced, and nothing that is not known is dropped in silence.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: true, strict: false } },
  });
  // Answers are written as they are, integers beyond 2^53 as text but in contracts; the schemas of answers only document them.
  app.setSerializerCompiler(() => toJson);
  app.removeAllContentTypeParsers();
  // Defaults of fields and records in repairs may hold any long: their whole numbers stay as they were sent.
  app.addContentTypeParser("application/json", async (_request: FastifyRequest, payload: FastifyRequest["raw"]) =>
    parseJson(readBody(payload, { idleMs, totalMs: wholeBodyMs })),
  );
  const fail = async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const coded = toCoded(error);
    logFailure(logger, coded, request.raw);
    reply.hijack();
    await sendProblem(request.raw, reply.raw, coded, isRegistryPath(request.raw.url ?? "") ? registryShape : undefined);
  };
  app.setErrorHandler(fail);
  const methodsOf = collectMethods(app);
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const allow = methodsOf(path);
    await fail(allow.length > 0 ? methodNotAllowed(request.method, allow) : notFound(path), request, reply);
  });
  // A body that nobody read must not keep the connection busy.
  app.addHook("onSend", async (request, reply, payload) => {
    if (!isOver(request.raw)) reply.header("connection", "close");
    return payload;
  });
  app.addHook("onResponse", async (request, reply) => {
    const { method, routeOptions } = request;
    options.metrics.observe({
      method: METHODS.includes(method) ? method : "other",
      route: routeOptions.url ?? "none",
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1_000,
    });
  });
  app.addSchema(problemSchema);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Mainstem", version: options.version, description: "One way in, one log, one registry, clean tables." },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json["$id"] === "string" ? json["$id"] : `schema-${index}`) },
    transformObject: (document) => {
      if (!("openapiObject" in document)) return document.swaggerObject;
      const { openapiObject } = document;
      return { ...openapiObject, paths: { "/v1/datasets/{name}/records": recordsPath as object, ...openapiObject.paths } };
    },
  });
  addDefinitionRoutes(app, options);
  addDatasetRoutes(app, options);
  addInboxRoutes(app, { inbox: createInbox(options), logger, idleMs });
  addReplayRoutes(app, options);
  addRebuildRoutes(app, options);
  addGroupRoutes(app, options);
  addQueryRoute(app, options);
  addTaskRoutes(app, options);
  addOperationRoutes(app, options);
  await addRegistryApi(app, {
    ...options,
    methodsOf,
    toCoded,
    readBody: async (payload) => parseJson(readBody(payload, { idleMs, totalMs: wholeBodyMs }), { empty: true }),
  });
  await app.ready();
  return app;
}

/** With `empty`, undefined for a body of no bytes. */
async function parseJson(body: AsyncIterable<Uint8Array>, { empty = false }: { readonly empty?: boolean } = {}): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limits.requestBytesMax)
      throw new MainstemError("server.tooLarge", `The body is larger than ${limits.requestBytesMax} bytes.`, { bytesMax: limits.requestBytesMax });
    chunks.push(chunk);
  }
  if (empty && bytes === 0) return undefined;
  const whole = Buffer.concat(chunks, bytes);
  if (nestsDeeper(whole, { start: 0, end: bytes, depthMax: limits.requestDepthMax }))
    throw new MainstemError("server.request", `The body is nested more than ${limits.requestDepthMax} levels deep.`, { depthMax: limits.requestDepthMax });
  try {
    return parseExact(new TextDecoder("utf-8", { fatal: true }).decode(whole));
  } catch (cause) {
    throw new MainstemError("server.request", `The body cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {}, { cause });
  }
}

/** Fastify's own refusals in our codes; everything else as it is. */
function toCoded(error: unknown): unknown {
  if (!(error instanceof Error) || !("statusCode" in error) || error instanceof MainstemError) return error;
  const { code, validation, validationContext } = error as FastifyError & { readonly validationContext?: string };
  if (validation !== undefined) {
    const issues = validation.map(({ instancePath, message: what = "is not as it should be", params }) => ({
      path: [validationContext ?? "request", ...instancePath.split("/").slice(1)].join("."),
      message: "additionalProperty" in params ? `${what}: ${String(params["additionalProperty"])}` : what,
    }));
    return new MainstemError("server.request", issues.map((issue) => `${issue.path} ${issue.message}`).join("; "), { issues }, { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new MainstemError("server.contentType", "The body is not application/json.", {}, { cause: error });
  if (code === "FST_ERR_BAD_URL") return new MainstemError("server.request", "The path has a % that begins no character of UTF-8.", {}, { cause: error });
  if (code === "FST_ERR_MAX_PARAM_LENGTH")
    return new MainstemError("server.request", `A name in the path is longer than ${nameCharactersMax} characters.`, {}, { cause: error });
  return error;
}

/** Finds the methods that a path has, for the answer to one that it does not have. */
function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly pattern: RegExp; readonly method: string }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    const pattern = new RegExp(`^${url.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`);
    for (const one of [method].flat()) routes.push({ pattern, method: one });
  });
  return (path) => routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
}
