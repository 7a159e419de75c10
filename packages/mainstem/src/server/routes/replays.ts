import type { FastifyInstance } from "fastify";
import type { Replay, ReplayRequest } from "../../archive/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { TaskStatus } from "../../tasks/index.ts";
import { toTime } from "../json.ts";
import { parseTime } from "../parameters.ts";
import type { PlatformView } from "../view.ts";
import { answer, listOf, noParameters, pathParameters, problems, time } from "./schemas.ts";

const tags = ["datasets"];
const replayProperties = {
  id: { type: "string" },
  dataset: { type: "string" },
  state: {
    type: "string",
    enum: ["running", "paused", "stopped", "finished", "cancelled"],
    description: "`stopped`: its task met an error that no repetition mends; what it was stands among the tasks. It goes on when that is resumed.",
  },
  target: { type: "string", enum: ["shadow", "live"] },
  topic: { type: "string", description: "Where the records go." },
  from: { type: ["string", "null"], format: "date-time", description: "The first archived time that is replayed." },
  to: { type: ["string", "null"], format: "date-time", description: "The first archived time that is not." },
  repeats: { type: ["string", "null"], description: "The finished replay that this one repeats into the live topic." },
  task: { type: "string", description: "Its name among the tasks, where its progress is shown." },
  createdAt: time,
  endedAt: { type: ["string", "null"], format: "date-time" },
  records: { type: ["integer", "null"], description: "Records in the target; null while it goes on." },
  tooLarge: { type: ["integer", "null"], description: "Records that were too large to take one more header." },
};
const replay = answer("The replay", replayProperties);

interface Body {
  readonly from?: string;
  readonly to?: string;
  readonly intoLive?: string;
}

/** Time ranges of the archive copied into topics: `/v1/datasets/{name}/replay`, `…/replays`. */
export function addReplayRoutes(app: FastifyInstance, { view }: { readonly view: PlatformView }): void {
  const { replays } = view;
  const show = (one: Replay) => showReplay(one, view.tasks());
  const params = pathParameters({ name: "`namespace.name`" });
  const oneParams = pathParameters({ name: "`namespace.name`", id: "The replay" });
  app.post<{ Params: { readonly name: string }; Body: Body }>(
    "/v1/datasets/:name/replay",
    {
      schema: {
        tags,
        summary: "Replays a time range of the archive into a shadow topic, or a finished replay into the live one",
        params,
        querystring: noParameters,
        body: {
          type: "object",
          additionalProperties: false,
          properties: {
            from: { ...time, description: "Default: the first record." },
            to: { ...time, description: "Exclusive. Default: what the archive holds now." },
            intoLive: { type: "string", description: "The id of a finished replay, whose records then go into the dataset's own topic. Not with from or to." },
          },
          examples: [{ from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z" }],
        },
        response: { 202: replay, ...problems },
      },
    },
    async ({ params: { name }, body }, reply) => reply.status(202).send(show(await replays.start(name, toRequest(body)))),
  );
  app.get<{ Params: { readonly name: string } }>(
    "/v1/datasets/:name/replays",
    {
      schema: {
        tags,
        summary: "The replays of a dataset, oldest first",
        params,
        querystring: noParameters,
        response: { 200: answer("The replays", { replays: listOf(replay) }), ...problems },
      },
    },
    async ({ params: { name } }) => ({ replays: (await replays.list(name)).map(show) }),
  );
  app.get<{ Params: { readonly name: string; readonly id: string } }>(
    "/v1/datasets/:name/replays/:id",
    { schema: { tags, summary: "A replay", params: oneParams, querystring: noParameters, response: { 200: replay, ...problems } } },
    async ({ params: { name, id } }) => show(await replays.get(name, id)),
  );
  app.delete<{ Params: { readonly name: string; readonly id: string } }>(
    "/v1/datasets/:name/replays/:id",
    {
      schema: {
        tags,
        summary: "Ends a replay where it runs, and deletes its shadow topic",
        params: oneParams,
        querystring: noParameters,
        response: { 204: { description: "It is gone", type: "null" }, ...problems },
      },
    },
    async ({ params: { name, id } }, reply) => {
      await replays.remove(name, id);
      return reply.status(204).send();
    },
  );
}

function toRequest({ from, to, intoLive }: Body): ReplayRequest {
  if (intoLive !== undefined) {
    if (from === undefined && to === undefined) return { target: "live", repeats: intoLive };
    throw new MainstemError("server.request", "intoLive takes the range of the replay that it names: leave out from and to.", { intoLive });
  }
  return {
    target: "shadow",
    ...(from === undefined ? {} : { from: requireTime("from", from) }),
    ...(to === undefined ? {} : { to: requireTime("to", to) }),
  };
}

function requireTime(name: string, text: string): number {
  const parsed = parseTime(text);
  if (parsed === undefined)
    throw new MainstemError("server.request", `${name} is an RFC 3339 time with a zone, such as 2026-11-21T09:00:00Z.`, { [name]: text.slice(0, 100) });
  return parsed;
}

function showReplay({ spec, end }: Replay, tasks: readonly TaskStatus[]) {
  const { id, dataset, target, topic, from, to, repeats, createdAt } = spec;
  const task = `replay.${dataset}.${id}`;
  const rests = tasks.find(({ name, state }) => name === task && (state === "paused" || state === "stopped"));
  return {
    id,
    dataset,
    state: end?.kind ?? rests?.state ?? "running",
    target,
    topic,
    from: from === undefined ? null : toTime(from),
    to: to === undefined ? null : toTime(to),
    repeats: repeats ?? null,
    task,
    createdAt: toTime(createdAt),
    endedAt: end === undefined ? null : toTime(end.endedAt),
    records: end?.records ?? null,
    tooLarge: end?.tooLarge ?? null,
  };
}
