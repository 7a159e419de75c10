import type { FastifyInstance } from "fastify";
import type { Rebuild, Swapped, TableComparison } from "../../tables/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { toTime } from "../json.ts";
import type { PlatformView } from "../view.ts";
import { answer, anyObject, listOf, noParameters, pathParameters, problems, time } from "./schemas.ts";

const tags = ["datasets"];
const snapshotId = { type: "string", description: "Up to 63 bits, therefore text; it can be queried with `at`." };
const side = answer("", { snapshotId, rows: { type: "integer" } });
const difference = answer("", { rows: { type: "integer" }, samples: { ...listOf(anyObject), description: "The least keys." } });
const rebuildSchema = {
  ...answer("The rebuild", {
    dataset: { type: "string" },
    id: { type: "string" },
    state: { type: "string", enum: ["building", "ready"], description: "`ready`: swap it or discard it." },
    startedAt: time,
    contractVersion: { type: "integer" },
    snapshotId,
    rows: { type: "integer" },
    task: { type: "string", description: "Its name among the tasks, where its progress is shown." },
    comparison: {
      ...answer("With the table as it was when the rebuild reached it; null before", {
        before: side,
        after: side,
        added: difference,
        removed: difference,
        changed: difference,
      }),
      type: ["object", "null"],
    },
    comparisonError: { type: ["object", "null"], additionalProperties: true, description: "Why they could not be compared, such as a damaged table." },
  }),
  examples: [
    {
      dataset: "shop.orders",
      id: "6f1c0a9be2d34787",
      state: "ready",
      startedAt: "2026-11-21T14:05:00.000Z",
      contractVersion: 3,
      snapshotId: "4471023985523001345",
      rows: 1200,
      task: "rebuild.shop.orders",
      comparison: {
        before: { snapshotId: "1180365207745012931", rows: 1200 },
        after: { snapshotId: "4471023985523001345", rows: 1200 },
        added: { rows: 0, samples: [] },
        removed: { rows: 0, samples: [] },
        changed: { rows: 2, samples: [{ orderId: "o-17" }, { orderId: "o-40" }] },
      },
      comparisonError: null,
    },
  ],
} as const;

type Named = { Params: { readonly name: string } };

/** A table built again from its archive: `/v1/datasets/{name}/rebuild`. */
export function addRebuildRoutes(app: FastifyInstance, { view: { rebuilds } }: { readonly view: PlatformView }): void {
  const shared = { tags, params: pathParameters({ name: "`namespace.name`" }), querystring: noParameters };
  app.post<Named>(
    "/v1/datasets/:name/rebuild",
    {
      schema: {
        ...shared,
        summary: "Builds the table again from the archive, beside the one that readers see",
        response: { 202: rebuildSchema, ...problems },
      },
    },
    async ({ params: { name } }, reply) => reply.code(202).send(show(await rebuilds.start(name))),
  );
  app.get<Named>(
    "/v1/datasets/:name/rebuild",
    { schema: { ...shared, summary: "How far the rebuild is, and how it differs from the table by key", response: { 200: rebuildSchema, ...problems } } },
    async ({ params: { name } }) => {
      const rebuild = await rebuilds.get(name);
      if (rebuild === undefined) throw new MainstemError("table.rebuildUnknown", `Dataset ${name} is not being rebuilt.`, { dataset: name });
      return show(rebuild);
    },
  );
  app.post<Named>(
    "/v1/datasets/:name/rebuild/swap",
    {
      schema: {
        ...shared,
        summary: "Makes the rebuilt table the one that readers see; it is brought up to date first",
        response: { 200: answer("The table now", { dataset: { type: "string" }, id: { type: "string" }, snapshotId, rows: { type: "integer" } }), ...problems },
      },
    },
    async ({ params: { name } }, reply) => {
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      return showSwapped(await rebuilds.swap(name, { signal: gone.signal }));
    },
  );
  app.delete<Named>(
    "/v1/datasets/:name/rebuild",
    {
      schema: {
        ...shared,
        summary: "Ends the rebuild and deletes its files",
        response: { 200: answer("It is gone", { dataset: { type: "string" }, discarded: { type: "boolean" } }), ...problems },
      },
    },
    async ({ params: { name } }) => {
      await rebuilds.discard(name);
      return { dataset: name, discarded: true };
    },
  );
}

function show({ startedAt, snapshotId: head, comparison, comparisonError, ...rebuild }: Rebuild) {
  return {
    ...rebuild,
    startedAt: toTime(startedAt),
    snapshotId: head.toString(),
    comparison: comparison === undefined ? null : showComparison(comparison),
    comparisonError: comparisonError ?? null,
  };
}

function showComparison({ before, after, differences }: TableComparison) {
  const sideOf = ({ snapshotId: id, rows }: TableComparison["before"]) => ({ snapshotId: id.toString(), rows });
  return { before: sideOf(before), after: sideOf(after), ...differences };
}

function showSwapped({ snapshotId: head, ...swapped }: Swapped) {
  return { ...swapped, snapshotId: head.toString() };
}
