import type { FastifyInstance } from "fastify";
import type { Subjects } from "../../registry/index.ts";
import { toJson } from "../json.ts";
import { describe, given, schemaProperties } from "./describe.ts";
import { isTrue, pageOf, parseRegistration, parseVersion, prefixOf, type Query } from "./request.ts";
import { showVersion } from "./schema-routes.ts";

interface Of {
  readonly Params: { readonly subject: string };
  readonly Querystring: Query;
}
interface OfVersion {
  readonly Params: { readonly subject: string; readonly version: string };
  readonly Querystring: Query;
}

/** Subjects and their versions: what producers ask for. */
export function addSubjectRoutes(app: FastifyInstance, subjects: Subjects): void {
  addReadRoutes(app, subjects);
  addChangeRoutes(app, subjects);
  addCheckRoutes(app, subjects);
}

function addReadRoutes(app: FastifyInstance, subjects: Subjects): void {
  app.get<{ readonly Querystring: Query }>(
    "/subjects",
    describe("The subjects, by name", { query: ["subjectPrefix", "deleted", "deletedOnly", "offset", "limit"], gives: given.list(given.text) }),
    async ({ query }) => {
      const prefix = prefixOf(query);
      return toJson(pageOf(await subjects.list({ deleted: isTrue(query, "deleted"), deletedOnly: isTrue(query, "deletedOnly"), prefix }), query));
    },
  );

  app.get<Of>(
    "/subjects/:subject/versions",
    describe("The numbers of a subject's versions", {
      path: ["subject"],
      query: ["deleted", "deletedOnly", "offset", "limit"],
      gives: given.list(given.integer),
    }),
    async ({ params, query }) => {
      const deletedOnly = isTrue(query, "deletedOnly");
      const versions = await subjects.versions(params.subject, { deleted: deletedOnly || isTrue(query, "deleted") });
      const chosen = versions.filter(({ deleted }) => deleted || !deletedOnly);
      return toJson(
        pageOf(
          chosen.map(({ version }) => version),
          query,
        ),
      );
    },
  );

  app.get<OfVersion>(
    "/subjects/:subject/versions/:version",
    describe("A version", { path: ["subject", "version"], query: ["deleted"], gives: given.object(schemaProperties) }),
    async ({ params, query }) =>
      toJson(showVersion(await subjects.version(params.subject, parseVersion(params.version), { deleted: isTrue(query, "deleted") }))),
  );

  app.get<OfVersion>(
    "/subjects/:subject/versions/:version/schema",
    describe("The schema of a version and nothing else", { path: ["subject", "version"], query: ["deleted"], gives: given.anything }),
    async ({ params, query }) => (await subjects.version(params.subject, parseVersion(params.version), { deleted: isTrue(query, "deleted") })).schema,
  );

  app.get<OfVersion>(
    "/subjects/:subject/versions/:version/referencedby",
    describe("The ids of schemas that refer to a version", { path: ["subject", "version"], gives: given.list(given.integer) }),
    async ({ params }) => toJson(await subjects.referencedBy(params.subject, parseVersion(params.version))),
  );
}

function addChangeRoutes(app: FastifyInstance, subjects: Subjects): void {
  app.post<Of>(
    "/subjects/:subject",
    describe("Looks a schema up among a subject's versions", {
      path: ["subject"],
      query: ["deleted", "normalize"],
      body: "schema",
      gives: given.object(schemaProperties),
    }),
    async ({ params, query, body }) => toJson(showVersion(await subjects.find(params.subject, parseRegistration(body), { deleted: isTrue(query, "deleted") }))),
  );

  app.post<Of>(
    "/subjects/:subject/versions",
    describe("Registers a schema", { path: ["subject"], query: ["normalize"], body: "schema", gives: given.object({ id: given.integer }) }),
    async ({ params, body }) => {
      const { schema, references, ...wanted } = parseRegistration(body);
      return toJson({ id: (await subjects.register(params.subject, { schema, references }, wanted)).id });
    },
  );

  app.delete<Of>(
    "/subjects/:subject",
    describe("Deletes a subject; gives the numbers of its versions", { path: ["subject"], query: ["permanent"], gives: given.list(given.integer) }),
    async ({ params, query }) => toJson(await subjects.remove(params.subject, { permanent: isTrue(query, "permanent") })),
  );

  app.delete<OfVersion>(
    "/subjects/:subject/versions/:version",
    describe("Deletes a version; gives its number", { path: ["subject", "version"], query: ["permanent"], gives: given.integer }),
    async ({ params, query }) => toJson(await subjects.removeVersion(params.subject, parseVersion(params.version), { permanent: isTrue(query, "permanent") })),
  );
}

function addCheckRoutes(app: FastifyInstance, subjects: Subjects): void {
  const gives = given.object({ is_compatible: { type: "boolean" }, messages: given.list(given.text) });
  const answer = (reasons: readonly string[], query: Query) =>
    toJson({ is_compatible: reasons.length === 0, ...(isTrue(query, "verbose") ? { messages: reasons } : {}) });

  app.post<Of>(
    "/compatibility/subjects/:subject/versions",
    describe("Whether a schema could be the next version", { path: ["subject"], query: ["verbose", "normalize"], body: "schema", gives }),
    async ({ params, query, body }) => answer(await subjects.check(params.subject, parseRegistration(body), "all"), query),
  );

  app.post<OfVersion>(
    "/compatibility/subjects/:subject/versions/:version",
    describe("Whether a schema could follow a version", { path: ["subject", "version"], query: ["verbose", "normalize"], body: "schema", gives }),
    async ({ params, query, body }) => answer(await subjects.check(params.subject, parseRegistration(body), parseVersion(params.version)), query),
  );
}
