import type { FastifyInstance } from "fastify";
import { MainstemError } from "../../runtime/errors.ts";
import { perhaps } from "../../runtime/nearest-name.ts";
import type { ResetTarget, TaskStatus } from "../../tasks/index.ts";
import { parseTime } from "../parameters.ts";
import type { PlatformView } from "../view.ts";
import { answer, listOf, noParameters, pathParameters, problems } from "./schemas.ts";
import { showTask, taskSchema } from "./task-view.ts";

const tags = ["tasks"];
const params = pathParameters({ name: "Such as `archive.shop.orders`" });
const response = { 200: taskSchema, ...problems };
const lineMax = 500;
const line = { type: "string", minLength: 1, maxLength: lineMax } as const;

interface ByName {
  readonly Params: { readonly name: string };
}

/** Tasks: how far each is, and what a person may ask of it: `/v1/tasks`. */
export function addTaskRoutes(app: FastifyInstance, { view }: { readonly view: PlatformView }): void {
  app.get(
    "/v1/tasks",
    {
      schema: {
        tags,
        summary: "Every task with its verdict, progress and last error, by name",
        querystring: noParameters,
        response: { 200: answer("The tasks", { tasks: listOf(taskSchema) }), ...problems },
      },
    },
    async () => ({ tasks: view.tasks().map(showTask) }),
  );

  app.get<ByName>("/v1/tasks/:name", { schema: { tags, summary: "One task", params, querystring: noParameters, response } }, async ({ params: { name } }) =>
    showTask(find(view.tasks(), name)),
  );

  app.post<ByName & { Body: { readonly by?: string; readonly reason?: string } | null }>(
    "/v1/tasks/:name/pause",
    {
      schema: {
        tags,
        summary: "Ends the task's run and keeps it from running until it is resumed, also after a restart",
        params,
        querystring: noParameters,
        body: {
          type: ["object", "null"],
          additionalProperties: false,
          properties: { by: { ...line, description: "Who pauses it; `api` if left out." }, reason: line },
          examples: [{ by: "ana@desk", reason: "the disk is being moved" }],
        },
        response,
      },
    },
    async ({ params: { name }, body }) => showTask(await view.taskControl.pause(name, { by: body?.by ?? "api", reason: body?.reason })),
  );

  app.post<ByName>(
    "/v1/tasks/:name/resume",
    {
      schema: {
        tags,
        summary: "Lets a paused task go on, begins one again that stopped on an error, ends the wait of one that backs off",
        params,
        querystring: noParameters,
        body: { type: ["object", "null"], additionalProperties: false, properties: {} },
        response,
      },
    },
    async ({ params: { name } }) => showTask(await view.taskControl.resume(name)),
  );

  app.post<ByName & { Body: { readonly to: string | number } }>(
    "/v1/tasks/:name/reset",
    {
      schema: {
        tags,
        summary: "Begins the task anew at another place, where it can: 409 with the reason where it cannot",
        params,
        querystring: noParameters,
        body: {
          type: "object",
          required: ["to"],
          additionalProperties: false,
          properties: { to: { type: ["string", "integer"], description: "`beginning`, `chain-end`, an offset, or an RFC 3339 time with a zone." } },
          examples: [{ to: "chain-end" }, { to: 41_200 }, { to: "2026-11-21T14:00:00Z" }],
        },
        response,
      },
    },
    async ({ params: { name }, body }) => {
      find(view.tasks(), name);
      return showTask(await view.taskControl.reset(name, parseTarget(body.to)));
    },
  );
}

function find(tasks: readonly TaskStatus[], name: string): TaskStatus {
  const found = tasks.find((task) => task.name === name);
  if (found === undefined)
    throw new MainstemError(
      "task.unknown",
      `There is no task ${name}${perhaps(
        name,
        tasks.map((task) => task.name),
      )}.`,
      { task: name },
    );
  return found;
}

function parseTarget(to: string | number): ResetTarget {
  if (to === "beginning" || to === "chain-end") return { kind: to };
  const offset = typeof to === "number" || /^\d{1,16}$/.test(to) ? Number(to) : undefined;
  if (offset !== undefined && Number.isSafeInteger(offset) && offset >= 0) return { kind: "offset", offset };
  const time = typeof to === "string" ? parseTime(to) : undefined;
  if (time !== undefined) return { kind: "time", time };
  throw new MainstemError("server.request", `body.to is "beginning", "chain-end", an offset, or an RFC 3339 time with a zone; not ${JSON.stringify(to)}.`, {
    issues: [{ path: "body.to", message: "is no place to begin at" }],
  });
}
