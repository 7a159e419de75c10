import { formatContract } from "@mainstem/contract";
import type { FastifyInstance } from "fastify";
import type { Ingest } from "../../ingest/index.ts";
import type { Log, TopicInfo, TopicPartition } from "../../log/index.ts";
import type { Dataset, Registry } from "../../registry/index.ts";
import { MainstemError, toErrorValue } from "../../runtime/errors.ts";
import { judgeHealth } from "../health.ts";
import { toTime, withRawIntegers } from "../json.ts";
import { sizeOf } from "../plan.ts";
import { describeEnd, describeSuccession } from "../succession.ts";
import type { DatasetStatus, PlatformView, SnapshotStatus, TableStatus } from "../view.ts";
import { showTask, taskSchema } from "./task-view.ts";
import { answer, anyObject, listOf, noParameters, pathParameters, problems, time } from "./schemas.ts";

/** How many datasets are looked at at once for a list. */
const parallelMax = 8;
const tags = ["datasets"];
const nameParameter = pathParameters({ name: "`namespace.name`" });
const count = { type: "integer" } as const;
const summaryProperties = {
  name: { type: "string" },
  version: { type: "integer" },
  description: { type: "string" },
  owner: { type: "string" },
  records: { type: "integer", description: "Records in the log that can be read." },
  rows: { type: ["integer", "null"], description: "Rows of the table's current snapshot." },
  completeThrough: { type: ["string", "null"], format: "date-time", description: "Everything appended up to then is in the table." },
};
const topicEnd = {
  name: { type: "string" },
  topicId: { type: "string" },
  partitions: {
    ...listOf(answer("", { partition: { type: "integer" }, end: { type: "integer" } })),
    description: "The first offset that is not there, as of now.",
  },
  closedAt: { type: ["string", "null"], format: "date-time", description: "Since then nothing is appended; null while the dataset is open." },
};
const groups = {
  ...listOf(answer("", { group: { type: "string" }, behind: { type: "integer" }, moved: { type: "boolean" } })),
  description: "Who has committed offsets in the older dataset; `moved` when nothing is left there, nor will be, and there are some in the newer one.",
};
const snapshotProperties = {
  id: { type: "string", description: "Up to 63 bits, therefore text." },
  parentId: { type: ["string", "null"] },
  committedAt: time,
  rows: { type: "integer" },
  operation: { type: "string" },
  contractVersion: { type: "integer" },
  summary: anyObject,
};

export interface DatasetRoutesOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly ingest: Ingest;
  readonly view: PlatformView;
}

/** How far each dataset is: `/v1/datasets`. */
export function addDatasetRoutes(app: FastifyInstance, options: DatasetRoutesOptions): void {
  const { registry, view } = options;
  app.get(
    "/v1/datasets",
    {
      schema: {
        tags,
        summary: "The datasets, by name",
        querystring: noParameters,
        response: {
          200: answer("The datasets", {
            datasets: listOf(answer("", summaryProperties)),
            waiting: {
              ...listOf(answer("", { name: { type: "string" }, subject: { type: "string" }, version: count, schemaId: count })),
              description: "Datasets that have a schema in the registry and wait for the rest of their contract.",
            },
          }),
          ...problems,
        },
      },
    },
    async () => {
      const datasets = await registry.list();
      const summaries: unknown[] = [];
      for (let start = 0; start < datasets.length; start += parallelMax)
        summaries.push(...(await Promise.all(datasets.slice(start, start + parallelMax).map((dataset) => summarise(dataset, options)))));
      return { datasets: summaries, waiting: await registry.subjects.waiting() };
    },
  );

  app.get<{ Params: { readonly name: string } }>(
    "/v1/datasets/:name",
    {
      schema: {
        tags,
        summary: "A dataset: its contract, and how far log, archive and table are",
        params: nameParameter,
        querystring: noParameters,
        response: {
          200: answer("The dataset", {
            ...summaryProperties,
            status: { type: "string", enum: ["ok", "degraded", "failed"] },
            metadataLocation: { type: ["string", "null"], description: "The table's current Iceberg metadata file." },
            schemaId: { type: "integer" },
            appliedAt: time,
            contract: anyObject,
            topics: anyObject,
            door: answer("What became of records at the door since the server started", { accepted: count, quarantined: count, refused: count }),
            archive: anyObject,
            table: { type: ["object", "null"], additionalProperties: true },
            rebuildPending: { ...listOf({ type: "string" }), description: "What of the contract the table follows only once it is rebuilt, such as `order`." },
            rebuild: {
              ...answer("A rebuild that the table waits for, or one that is under way, and what it makes again; null without one", {
                rebuilt: { ...listOf({ type: "string" }), description: "As `rebuildPending`." },
                state: { type: "string", enum: ["needed", "building", "ready"] },
                rewritten: answer("Of the current snapshot", { files: { type: "integer" }, rows: { type: "integer" }, bytes: { type: "integer" } }),
                archive: { type: "string", const: "unchanged" },
                consumers: { type: "string", const: "unchanged" },
                owner: { type: ["string", "null"] },
              }),
              type: ["object", "null"],
            },
            predecessor: {
              ...answer("The dataset that this one continues, where its topic ends, and who has read it to there; null without one", {
                ...topicEnd,
                groups,
              }),
              type: ["object", "null"],
            },
            successor: {
              ...answer("The dataset that continues this one, where this one's topic ends, and who has read it to there; null without one", {
                ...topicEnd,
                groups,
              }),
              type: ["object", "null"],
            },
            tasks: listOf(taskSchema),
          }),
          ...problems,
        },
      },
    },
    async ({ params: { name } }) => describe(await registry.require(name), options),
  );

  addCloseRoutes(app, options);
  app.get<{ Params: { readonly name: string } }>(
    "/v1/datasets/:name/snapshots",
    {
      schema: {
        tags,
        summary: "The versions of a dataset's table, oldest first",
        params: nameParameter,
        querystring: noParameters,
        response: { 200: answer("The snapshots", { dataset: { type: "string" }, snapshots: listOf(answer("", snapshotProperties)) }), ...problems },
      },
    },
    async ({ params: { name } }) => {
      await registry.require(name);
      return { dataset: name, snapshots: (await view.snapshots(name)).map(showSnapshot) };
    },
  );
}

/** `/v1/datasets/{name}/close`: the end of a dataset that another one continues. */
function addCloseRoutes(app: FastifyInstance, { registry, ingest, log, view }: DatasetRoutesOptions): void {
  const shared = { tags, params: nameParameter, querystring: noParameters };
  const closing = {
    ...answer("The dataset", { dataset: { type: "string" }, successor: { type: "string" }, ...topicEnd, groups }),
    examples: [
      {
        dataset: "shop.orders",
        successor: "shop.orders2",
        topicId: "5b0c1f9a2be24d77a1d3c0e8f4b6a901",
        partitions: [{ partition: 0, end: 1200 }],
        closedAt: "2026-11-21T14:05:00.000Z",
        groups: [{ group: "billing", behind: 40, moved: false }],
      },
    ],
  };
  const show = async (dataset: Dataset) => ({
    dataset: dataset.contract.name,
    successor: dataset.successor,
    ...(await describeEnd(dataset, { registry, log })),
  });
  app.post<{ Params: { readonly name: string } }>(
    "/v1/datasets/:name/close",
    {
      schema: {
        ...shared,
        summary: "Closes a dataset that another one continues: nothing is appended any more, and its readers know where it ends",
        response: { 200: closing, ...problems },
      },
    },
    async ({ params: { name } }) => {
      await registry.require(name);
      const replay = (await view.replays.list(name)).find(({ spec, end }) => spec.target === "live" && end === undefined);
      if (replay !== undefined)
        throw new MainstemError("registry.closeRefused", `Replay ${replay.spec.id} is still adding records to ${name}: wait for its end, or remove it.`, {
          dataset: name,
          replay: replay.spec.id,
        });
      return show(await ingest.close(name));
    },
  );
  app.delete<{ Params: { readonly name: string } }>(
    "/v1/datasets/:name/close",
    {
      schema: {
        ...shared,
        summary: "Opens a closed dataset again; readers that moved on meanwhile read what comes only when they start again",
        response: { 200: closing, ...problems },
      },
    },
    async ({ params: { name } }) => show(await registry.reopen(name)),
  );
}

async function summarise(dataset: Dataset, { log, view }: DatasetRoutesOptions) {
  const { name, description, owner } = dataset.contract;
  const partitions = await boundsOf(log, dataset.topics.records);
  const records = partitions.reduce((sum, { first, end }) => sum + end - first, 0);
  const summary = { name, version: dataset.version, ...(description === undefined ? {} : { description }), ...(owner === undefined ? {} : { owner }), records };
  try {
    return { ...summary, ...rowsOf(await view.status(name)) };
  } catch (error) {
    // A dataset whose table cannot be read is listed with the reason, among the others.
    const { code, message } = toErrorValue(error);
    return { ...summary, rows: null, completeThrough: null, error: { code, message } };
  }
}

async function describe(dataset: Dataset, { registry, log, view, ingest }: DatasetRoutesOptions) {
  const { contract, version, schemaId, appliedAt, generations, topics } = dataset;
  const { name, description, owner } = contract;
  // Whoever compares the counts must find each in what was counted later: the door's in the log's, the table's in the archive's, the archive's in the log's.
  const { accepted, quarantined, refused } = ingest.counts().get(name) ?? { accepted: 0, quarantined: 0, refused: 0 };
  const status = await view.status(name);
  const [records, chunks, inbox] = await Promise.all([topics.records, topics.chunks, topics.inbox].map((topic) => showTopic(log, topic)));
  const pending = await view.rebuilds.pending(name);
  const tasks = view.tasks().filter((task) => task.name.endsWith(`.${name}`));
  const { status: health, reasons } = judgeHealth({ tasks, door: { ...ingest.status(), failing: undefined } });
  return {
    name,
    version,
    ...(description === undefined ? {} : { description }),
    ...(owner === undefined ? {} : { owner }),
    status: health,
    ...(reasons.length === 0 ? {} : { reasons }),
    records: records?.partitions.reduce((sum, { first, end }) => sum + end - first, 0) ?? 0,
    ...rowsOf(status),
    metadataLocation: status.table?.metadataLocation ?? null,
    schemaId,
    appliedAt: toTime(appliedAt),
    contract: withRawIntegers(formatContract(contract)),
    topics: { records, chunks, inbox },
    generations,
    door: { accepted, quarantined, refused },
    archive: { partitions: status.archive.partitions, completeThrough: timeOrNull(status.archive.completeThrough) },
    table: status.table === undefined ? null : showTable(status.table),
    rebuildPending: pending,
    rebuild: await describeRebuild(dataset, { view, pending }),
    ...(await describeSuccession(dataset, { registry, log })),
    tasks: tasks.map(showTask),
  };
}

/** Chunks never change, and who reads the log does not see the table. */
async function describeRebuild(
  { contract: { name, owner } }: Dataset,
  { view, pending }: { readonly view: PlatformView; readonly pending: readonly string[] },
) {
  const rebuild = await view.rebuilds.get(name);
  if (rebuild === undefined && pending.length === 0) return null;
  const effect = { archive: "unchanged", consumers: "unchanged", owner: owner ?? null } as const;
  return { rebuilt: pending, state: rebuild?.state ?? "needed", rewritten: await sizeOf(name, view), ...effect };
}

function rowsOf({ table }: DatasetStatus) {
  return { rows: table?.snapshot?.rows ?? null, completeThrough: timeOrNull(table?.completeThrough) };
}

function showTable({ metadataLocation, snapshot, partitions, completeThrough }: TableStatus) {
  return {
    metadataLocation,
    partitions,
    snapshot: snapshot === undefined ? null : showSnapshot(snapshot),
    rows: snapshot?.rows ?? 0,
    completeThrough: timeOrNull(completeThrough),
  };
}

function showSnapshot({ id, parentId, committedAt, ...rest }: SnapshotStatus) {
  return { id: id.toString(), parentId: parentId?.toString() ?? null, committedAt: toTime(committedAt), ...rest };
}

async function showTopic(log: Log, topic: TopicInfo) {
  return { name: topic.name, id: topic.id, partitions: await boundsOf(log, topic) };
}

async function boundsOf(log: Log, { name: topic, id: topicId, partitions }: TopicInfo) {
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => ({
      partition,
      ...(await log.bounds({ topic, topicId, partition: partition as TopicPartition["partition"] })),
    })),
  );
}

function timeOrNull(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : toTime(milliseconds);
}
