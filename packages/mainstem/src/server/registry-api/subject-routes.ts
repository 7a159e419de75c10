import type { FastifyInstance } from "fastify";
import type { Subjects, VersionNumber } from "../../registry/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
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
    describe("The ids of schemas that refer to a version", {
      path: ["subject", "version"],
      query: ["deleted", "offset", "limit"],
      gives: given.list(given.integer),
    }),
    async ({ params, query }) =>
      toJson(pageOf(await subjects.referencedBy(params.subject, parseVersion(params.version), { deleted: isTrue(query, "deleted") }), query)),
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
  const answer = async (
    subject: string,
    { body, query, against }: { readonly body: unknown; readonly query: Query; readonly against: VersionNumber | "all" },
  ) => {
    const verbose = isTrue(query, "verbose");
    const reasons = await reasonsOf(() => subjects.check(subject, parseRegistration(body), against), { verbose });
    return toJson({ is_compatible: reasons.length === 0, ...(verbose ? { messages: reasons } : {}) });
  };

  app.post<Of>(
    "/compatibility/subjects/:subject/versions",
    describe("Whether a schema could be the next version", { path: ["subject"], query: ["verbose", "normalize"], body: "schema", gives }),
    async ({ params, query, body }) => answer(params.subject, { body, query, against: "all" }),
  );

  app.post<OfVersion>(
    "/compatibility/subjects/:subject/versions/:version",
    describe("Whether a schema could follow a version", { path: ["subject", "version"], query: ["verbose", "normalize"], body: "schema", gives }),
    async ({ params, query, body }) => answer(params.subject, { body, query, against: parseVersion(params.version) }),
  );
}

/** With `verbose`, that a schema is none is a reason like others, as in the registries of the field. */
async function reasonsOf(check: () => Promise<readonly string[]>, { verbose }: { readonly verbose: boolean }): Promise<readonly string[]> {
  try {
    return await check();
  } catch (error) {
    if (verbose && error instanceof MainstemError && error.code === "registry.schemaInvalid") return [error.message];
    throw error;
  }
}
