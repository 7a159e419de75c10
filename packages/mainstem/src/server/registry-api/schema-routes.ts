import type { FastifyInstance } from "fastify";
import type { SchemaReference, Subjects, SubjectVersion } from "../../registry/index.ts";
import { toJson } from "../json.ts";
import { describe, given, schemaProperties } from "./describe.ts";
import { isTrue, pageOf, parseId, prefixOf, textOf, type Query } from "./request.ts";

interface ById {
  readonly Params: { readonly id: string };
  readonly Querystring: Query;
}

/** Schemas by their ids: what consumers ask for. */
export function addSchemaRoutes(app: FastifyInstance, subjects: Subjects): void {
  app.get("/", describe("Whether a registry answers here", { gives: given.object({}) }), async () => "{}");
  app.get("/contexts", describe("The contexts: only the default one", { gives: given.list(given.text) }), async () => toJson(["."]));
  app.get("/schemas/types", describe("The types of schemas", { gives: given.list(given.text) }), async () => toJson(["AVRO"]));

  app.get<{ readonly Querystring: Query }>(
    "/schemas",
    describe("Every version of every subject", {
      query: ["subjectPrefix", "deleted", "latestOnly", "offset", "limit"],
      gives: given.list(given.object(schemaProperties)),
    }),
    async ({ query }) => {
      const all = await subjects.all({ deleted: isTrue(query, "deleted"), prefix: prefixOf(query) });
      const chosen = isTrue(query, "latestOnly") ? all.filter(({ subject }, index) => all[index + 1]?.subject !== subject) : all;
      return toJson(pageOf(chosen, query).map(showVersion));
    },
  );

  app.get<ById>(
    "/schemas/ids/:id",
    describe("A schema", {
      path: ["id"],
      query: ["subject", "fetchMaxId"],
      gives: given.object({ schema: schemaProperties.schema, references: schemaProperties.references, maxId: given.integer }),
    }),
    async ({ params, query }) => {
      const { schema, references } = await subjects.schema(parseId(params.id), subjectOf(query));
      const maxId = isTrue(query, "fetchMaxId") ? { maxId: await subjects.highestId() } : {};
      return toJson({ schema, ...showReferences(references), ...maxId });
    },
  );

  app.get<ById>(
    "/schemas/ids/:id/schema",
    describe("A schema and nothing else", { path: ["id"], query: ["subject"], gives: given.anything }),
    async ({ params, query }) => (await subjects.schema(parseId(params.id), subjectOf(query))).schema,
  );

  app.get<ById>(
    "/schemas/ids/:id/subjects",
    describe("The subjects that have a schema", { path: ["id"], query: ["deleted", "subject", "offset", "limit"], gives: given.list(given.text) }),
    async ({ params, query }) => {
      const uses = await usesOf(subjects, params.id, query);
      return toJson(pageOf([...new Set(uses.map(({ subject }) => subject))], query));
    },
  );

  app.get<ById>(
    "/schemas/ids/:id/versions",
    describe("The versions that a schema is", {
      path: ["id"],
      query: ["deleted", "subject", "offset", "limit"],
      gives: given.list(given.object({ subject: given.text, version: given.integer })),
    }),
    async ({ params, query }) => {
      const uses = await usesOf(subjects, params.id, query);
      return toJson(
        pageOf(
          uses.map(({ subject, version }) => ({ subject, version })),
          query,
        ),
      );
    },
  );
}

/** A version as the registry's clients read it; the type is left out, as it is AVRO. */
export function showVersion({ subject, version, id, schema, references }: SubjectVersion) {
  return { subject, version, id, ...showReferences(references), schema };
}

async function usesOf(subjects: Subjects, id: string, query: Query): Promise<readonly SubjectVersion[]> {
  const wanted = textOf(query, "subject");
  const uses = await subjects.usesOf(parseId(id), { deleted: isTrue(query, "deleted") });
  return wanted === undefined || wanted === "" ? uses : uses.filter(({ subject }) => subject === wanted);
}

function subjectOf(query: Query): { readonly subject?: string } {
  const subject = textOf(query, "subject");
  return subject === undefined ? {} : { subject };
}

function showReferences(references: readonly SchemaReference[]) {
  return references.length === 0 ? {} : { references };
}
