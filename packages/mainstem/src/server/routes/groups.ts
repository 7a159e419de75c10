import type { FastifyInstance } from "fastify";
import type { GroupName, Log, LogPosition, Offset, Partition } from "../../log/index.ts";
import type { Dataset, Registry } from "../../registry/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { answer, noParameters, pathParameters, problems } from "./schemas.ts";

const tags = ["groups"];
const platformPrefix = "mainstem.";
const offsets = { type: "object", description: "The next offset to read, by partition.", additionalProperties: { type: "integer", minimum: 0 } } as const;
const params = pathParameters({ group: "The consumer group", dataset: "`namespace.name`" });
const progress = answer("The group's place", { group: { type: "string" }, dataset: { type: "string" }, topicId: { type: "string" }, offsets, lag: offsets });

interface GroupParameters {
  readonly group: string;
  readonly dataset: string;
}
interface OffsetsBody {
  readonly offsets: Readonly<Record<string, number>>;
  readonly topicId?: string;
}

/** How far consumers are: `/v1/groups/{group}/offsets/{dataset}`. */
export function addGroupRoutes(app: FastifyInstance, { registry, log }: { readonly registry: Registry; readonly log: Log }): void {
  app.get<{ Params: GroupParameters }>(
    "/v1/groups/:group/offsets/:dataset",
    { schema: { tags, summary: "How far a group is in a dataset", params, querystring: noParameters, response: { 200: progress, ...problems } } },
    async ({ params: { group, dataset } }) => showOffsets(log, parseGroup(group), await registry.require(dataset)),
  );

  app.put<{ Params: GroupParameters; Body: OffsetsBody }>(
    "/v1/groups/:group/offsets/:dataset",
    {
      schema: {
        tags,
        summary: "Commits how far a group is; partitions that are not named stay as they are",
        params,
        querystring: noParameters,
        body: {
          type: "object",
          required: ["offsets"],
          additionalProperties: false,
          properties: { offsets, topicId: { type: "string", description: "Refused when the topic has another id by now." } },
        },
        response: { 200: progress, ...problems },
      },
    },
    async ({ params: path, body }) => {
      const group = parseGroup(path.group);
      if (group.startsWith(platformPrefix)) throw new MainstemError("server.groupReserved", `The group ${group} belongs to a task of the platform.`, { group });
      const dataset = await registry.require(path.dataset);
      await log.commit(group, await toPositions(log, dataset, body));
      return showOffsets(log, group, dataset);
    },
  );
}

async function toPositions(log: Log, { topics: { records } }: Dataset, { offsets: wanted, topicId }: OffsetsBody): Promise<readonly LogPosition[]> {
  if (topicId !== undefined && topicId !== records.id)
    throw new MainstemError("log.topicReplaced", `The topic has the id ${records.id} by now.`, { topicId: records.id });
  return Promise.all(
    Object.entries(wanted).map(async ([text, offset]) => {
      const partition = Number(text);
      if (!/^\d{1,9}$/.test(text) || partition >= records.partitions)
        throw new MainstemError("server.request", `${records.name} has the partitions 0 to ${records.partitions - 1}, not ${text}.`, {
          partitions: records.partitions,
        });
      const of = { topic: records.name, topicId: records.id, partition: partition as Partition };
      const { first, end } = await log.bounds(of);
      if (offset > end) throw new MainstemError("log.offsetOutOfRange", `Partition ${partition} ends at offset ${end}.`, { partition, first, end, offset });
      return { ...of, offset: offset as Offset };
    }),
  );
}

async function showOffsets(log: Log, group: GroupName, { contract, topics: { records } }: Dataset) {
  const committed = await log.committed(group, { topic: records.name, topicId: records.id });
  const lag: Record<string, number> = {};
  for (const [partition, offset] of committed) {
    const { end } = await log.bounds({ topic: records.name, topicId: records.id, partition });
    lag[partition] = Math.max(0, end - offset);
  }
  return { group, dataset: contract.name, topicId: records.id, offsets: Object.fromEntries(committed), lag };
}

function parseGroup(text: string): GroupName {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(text))
    throw new MainstemError("server.request", "A group's name is 1 to 249 letters, digits, dots, hyphens and underscores.", { group: text.slice(0, 249) });
  return text as GroupName;
}
