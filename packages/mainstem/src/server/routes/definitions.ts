import { checkSchemaChange, formatContract, parseContract, type Contract } from "@mainstem/contract";
import type { FastifyInstance } from "fastify";
import type { Dataset } from "../../registry/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { toTime, withRawIntegers } from "../json.ts";
import type { PlanRooms } from "../plan.ts";
import { addPlanRoute } from "./plan.ts";
import { answer, anyObject, listOf, noParameters, pathParameters, problems, time } from "./schemas.ts";

/** The kinds that can be declared. */
const kinds = ["dataset"] as const;

const tags = ["definitions"];
const kindParameter = { kind: "`dataset`" };
const nameParameters = pathParameters({ ...kindParameter, name: "`namespace.name`" });
const definitionProperties = {
  kind: { type: "string" },
  name: { type: "string" },
  version: { type: "integer" },
  appliedAt: time,
  spec: { ...anyObject, description: "The JSON form." },
};

const provenanceMax = 1_000;
const applyQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    provenance: {
      type: "string",
      minLength: 1,
      maxLength: provenanceMax,
      description: "Where the declaration comes from, such as the commit; kept in the history.",
    },
    rebuild: {
      type: "string",
      enum: ["true", "false"],
      description: "Consent to a change that the table follows only once it is built again; without it such a change is 409 registry.rebuildNeeded.",
    },
  },
} as const;

interface NameParameters {
  readonly kind: string;
  readonly name: string;
}

/** What is declared, and what declaring it would do: `/v1/definitions/{kind}/{name}` and `/v1/plan`. */
export function addDefinitionRoutes(app: FastifyInstance, rooms: PlanRooms): void {
  const { registry } = rooms;
  addPlanRoute(app, rooms);
  app.put<{ Params: NameParameters; Querystring: { readonly provenance?: string; readonly rebuild?: string } }>(
    "/v1/definitions/:kind/:name",
    {
      schema: {
        tags,
        summary: "Declares a dataset, or changes it",
        params: nameParameters,
        querystring: applyQuery,
        body: anyObject,
        response: {
          "2xx": answer("Registered: 201 when it is new", {
            kind: { type: "string", enum: ["created", "changed", "unchanged"] },
            name: { type: "string" },
            version: { type: "integer" },
            schemaId: { type: "integer" },
            changes: listOf({ type: "string" }),
            rebuilt: { ...listOf({ type: "string" }), description: "What the table follows only once it is built again, such as `order`." },
          }),
          ...problems,
        },
      },
    },
    async ({ params, body, query: { provenance, rebuild } }, reply) => {
      checkKind(params.kind);
      const contract = parseContract(body);
      if (contract.name !== params.name)
        throw new MainstemError("registry.nameMismatch", `The path names ${params.name}, the definition ${contract.name}.`, {
          path: params.name,
          definition: contract.name,
        });
      const applied = await registry.apply(contract, { provenance, rebuild: rebuild === "true" });
      const { version, schemaId } = applied.dataset;
      reply.code(applied.kind === "created" ? 201 : 200);
      const changes = applied.kind === "changed" ? { changes: applied.changes } : {};
      // A change that needed consent leaves nothing to rebuild where it takes an earlier one back, or there is no table yet.
      const pending = applied.kind === "changed" && applied.rebuilt !== undefined ? await rooms.view.rebuilds.pending(contract.name) : [];
      return { kind: applied.kind, name: contract.name, version, schemaId, ...changes, ...(pending.length === 0 ? {} : { rebuilt: pending }) };
    },
  );

  app.get<{ Params: NameParameters }>(
    "/v1/definitions/:kind/:name",
    {
      schema: {
        tags,
        summary: "A definition in its current version",
        params: nameParameters,
        querystring: noParameters,
        response: { 200: answer("The definition", definitionProperties), ...problems },
      },
    },
    async ({ params }) => {
      checkKind(params.kind);
      return showDefinition(await registry.require(params.name));
    },
  );

  app.get<{ Params: NameParameters }>(
    "/v1/definitions/:kind/:name/history",
    {
      schema: {
        tags,
        summary: "Every version of a definition, oldest first",
        params: nameParameters,
        querystring: noParameters,
        response: { 200: answer("The versions", { kind: { type: "string" }, name: { type: "string" }, versions: listOf(anyObject) }), ...problems },
      },
    },
    async ({ params: { kind, name } }) => {
      checkKind(kind);
      await registry.require(name);
      const versions = await registry.history(name);
      return {
        kind,
        name,
        versions: versions.map(({ version, contract, schemaId, appliedAt, provenance, closed }, index) => ({
          version,
          appliedAt: toTime(appliedAt),
          changes: changesSince(versions[index - 1]?.contract, contract),
          schemaId,
          ...(provenance === undefined ? {} : { provenance }),
          ...(closed === undefined ? {} : { closed }),
          spec: withRawIntegers(formatContract(contract)),
        })),
      };
    },
  );

  app.get<{ Params: { readonly kind: string } }>(
    "/v1/definitions/:kind",
    {
      schema: {
        tags,
        summary: "All definitions of a kind, by name",
        params: pathParameters(kindParameter),
        querystring: noParameters,
        response: { 200: answer("The definitions", { kind: { type: "string" }, definitions: listOf(answer("", definitionProperties)) }), ...problems },
      },
    },
    async ({ params: { kind } }) => {
      checkKind(kind);
      return { kind, definitions: (await registry.list()).map(showDefinition) };
    },
  );
}

function checkKind(kind: string): void {
  if (!kinds.some((one) => one === kind))
    throw new MainstemError("registry.kindUnknown", `There is no kind ${kind}. Known: ${kinds.join(", ")}.`, { kind, kinds });
}

/** What a version has other than the one before, in words. */
function changesSince(before: Contract | undefined, after: Contract): readonly string[] {
  const change = before === undefined ? undefined : checkSchemaChange(before, after);
  return change !== undefined && "changes" in change ? change.changes : [];
}

function showDefinition({ contract, version, schemaId, appliedAt }: Dataset) {
  return { kind: "dataset", name: contract.name, version, schemaId, appliedAt: toTime(appliedAt), spec: withRawIntegers(formatContract(contract)) };
}
