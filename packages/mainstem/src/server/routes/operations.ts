import type { FastifyInstance } from "fastify";
import type { Ingest } from "../../ingest/index.ts";
import type { Env } from "../../runtime/env.ts";
import { judgeHealth } from "../health.ts";
import type { Metrics } from "../metrics.ts";
import type { PlatformView } from "../view.ts";
import { answer, anyObject, listOf, noParameters, problems } from "./schemas.ts";

const tags = ["operations"];

export interface OperationRoutesOptions {
  readonly ingest: Ingest;
  readonly view: PlatformView;
  readonly env: Env;
  readonly metrics: Metrics;
  readonly stalledMs: number;
}

/** What whoever runs the platform asks for: tasks, health, metrics, the description of the API. */
export function addOperationRoutes(app: FastifyInstance, { ingest, view, env, metrics, stalledMs }: OperationRoutesOptions): void {
  app.get(
    "/v1/tasks",
    {
      schema: {
        tags,
        summary: "Every task with its progress and last error",
        querystring: noParameters,
        response: { 200: answer("The tasks", { tasks: listOf(anyObject) }), ...problems },
      },
    },
    async () => ({ tasks: view.tasks() }),
  );

  const health = answer("ok or degraded; as 503 failed: a task stopped on an error", {
    status: { type: "string", enum: ["ok", "degraded", "failed"] },
    reasons: listOf(answer("", { code: { type: "string" }, message: { type: "string" }, task: { type: "string" }, cause: { type: "string" } })),
  });
  app.get(
    "/health",
    { schema: { tags, summary: "Whether the platform makes progress; needs no token", querystring: noParameters, response: { 200: health, 503: health } } },
    async (_request, reply) => {
      const judged = judgeHealth({ tasks: view.tasks(), door: ingest.status(), now: env.now(), stalledMs });
      return reply.code(judged.status === "failed" ? 503 : 200).send(judged);
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        tags,
        summary: "Prometheus metrics",
        querystring: noParameters,
        response: { 200: { description: "Text exposition format", content: { "text/plain": { schema: { type: "string" } } } } },
      },
    },
    async (_request, reply) => {
      const text = await metrics.scrape();
      return reply.header("content-type", metrics.contentType).send(text);
    },
  );

  app.get("/openapi.json", { schema: { hide: true, querystring: noParameters } }, async () => app.swagger());
}
