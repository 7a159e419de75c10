import type { FastifyInstance } from "fastify";
import type { NewDataset } from "../../registry/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { withRawIntegers } from "../json.ts";
import { planDeclarations, type PlanRooms } from "../plan.ts";
import { answer, anyObject, listOf, noParameters, problems } from "./schemas.ts";

/** Declarations of one request. */
const definitionsMax = 200;
const count = { type: "integer" } as const;
const planProperties = {
  name: { type: "string" },
  kind: { type: "string", enum: ["created", "changed", "unchanged", "refused", "invalid"] },
  compatible: { type: "boolean", description: "Whether it can be applied, and every record that is there stays readable." },
  refused: listOf(answer("Why not", { path: { type: "string" }, reason: { type: "string" }, remedy: { type: "string" } })),
  version: count,
  changes: listOf({ type: "string" }),
  fields: answer("What becomes of the top-level fields", {
    added: listOf({ type: "string" }),
    renamed: listOf(answer("A field under another name", { from: { type: "string" }, to: { type: "string" } })),
    widened: listOf({ type: "string" }),
    removed: listOf({ type: "string" }),
  }),
  consent: { ...listOf({ type: "string" }), description: "What of it is applied only with consent to a rebuild (`?rebuild=true`)." },
  owner: answer("Who answers for the dataset", { now: { type: ["string", "null"] }, next: { type: ["string", "null"] } }),
  topic: { type: "string", enum: ["created", "unchanged"] },
  archive: { type: "string", enum: ["created", "unchanged"] },
  table: answer("What happens to the table", {
    effect: { type: "string", enum: ["created", "unchanged", "metadata", "rewrite", "rebuild"] },
    rebuilt: { ...listOf({ type: "string" }), description: "What of the contract the table follows only once it is built again." },
    rewritten: answer("Of the current snapshot", { files: count, rows: count, bytes: count }),
    filled: { ...anyObject, description: "New columns with the value that the rows that are there get." },
    null: listOf({ type: "string" }),
  }),
  consumers: listOf(answer("A group that has committed offsets", { group: { type: "string" }, platform: { type: "boolean" }, lag: count })),
  predecessor: { ...anyObject, description: "The dataset that it continues, where that ends, and which groups have moved; as in `GET /v1/datasets/{name}`." },
  successor: { ...anyObject, description: "The dataset that continues it, likewise." },
};

interface PlanBody {
  readonly created?: readonly NewDataset[];
  readonly definitions: readonly { readonly kind: string; readonly spec: unknown }[];
}

/** What would change: `POST /v1/plan`. */
export function addPlanRoute(app: FastifyInstance, rooms: PlanRooms): void {
  app.post<{ Body: PlanBody }>(
    "/v1/plan",
    {
      schema: {
        tags: ["definitions"],
        summary: "What applying declarations would do, to schema, topic, archive, table and consumers; changes nothing",
        querystring: noParameters,
        body: {
          type: "object",
          required: ["definitions"],
          additionalProperties: false,
          properties: {
            created: {
              type: "array",
              description: "Datasets that are not there yet and will be when the first declaration is applied, such as those of a plan before.",
              items: {
                type: "object",
                required: ["name"],
                additionalProperties: false,
                properties: { name: { type: "string" }, predecessor: { type: "string" } },
              },
            },
            definitions: {
              description: "In the order in which they will be applied.",
              type: "array",
              minItems: 1,
              maxItems: definitionsMax,
              items: { type: "object", required: ["kind", "spec"], additionalProperties: false, properties: { kind: { type: "string" }, spec: anyObject } },
            },
          },
        },
        response: { 200: answer("A plan for each declaration, in their order", { plans: listOf(answer("", planProperties)) }), ...problems },
      },
    },
    async ({ body: { definitions, created: before = [] } }) => {
      for (const { kind } of definitions)
        if (kind !== "dataset")
          throw new MainstemError("registry.kindUnknown", `There is no kind ${kind} to plan. Known: dataset.`, { kind, kinds: ["dataset"] });
      const specs = definitions.map(({ spec }) => spec);
      return withRawIntegers({ plans: await planDeclarations(specs, { ...rooms, before }) });
    },
  );
}
