import type { FastifyInstance } from "fastify";
import type { Ingest } from "../../ingest/index.ts";
import { judgeHealth } from "../health.ts";
import type { Metrics } from "../metrics.ts";
import type { PlatformView } from "../view.ts";
import { answer, listOf, noParameters } from "./schemas.ts";

const tags = ["operations"];

export interface OperationRoutesOptions {
  readonly ingest: Ingest;
  readonly view: PlatformView;
  readonly metrics: Metrics;
}

/** What whoever runs the platform asks for: health, metrics, the description of the API. */
export function addOperationRoutes(app: FastifyInstance, { ingest, view, metrics }: OperationRoutesOptions): void {
  const health = answer("ok or degraded (a task is slow, stuck or paused, or the door fails); as 503 failed: a task stopped on an error", {
    status: { type: "string", enum: ["ok", "degraded", "failed"] },
    reasons: listOf(answer("", { code: { type: "string" }, message: { type: "string" }, task: { type: "string" }, cause: { type: "string" } })),
  });
  app.get(
    "/health",
    { schema: { tags, summary: "Whether the platform makes progress; needs no token", querystring: noParameters, response: { 200: health, 503: health } } },
    async (_request, reply) => {
      const judged = judgeHealth({ tasks: view.tasks(), door: ingest.status() });
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
