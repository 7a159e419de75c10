import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Subjects } from "../../registry/index.ts";
import { isAbort } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { toJson } from "../json.ts";
import { logFailure, methodNotAllowed, notFound } from "../problem.ts";
import { toRegistryError, registryType } from "./registry-error.ts";
import { addSchemaRoutes } from "./schema-routes.ts";
import { addSettingRoutes } from "./setting-routes.ts";
import { addSubjectRoutes } from "./subject-routes.ts";

export interface RegistryApiOptions {
  readonly registry: { readonly subjects: Subjects };
  readonly logger: Logger;
  /** Reads a request's body as JSON; undefined when it is empty. */
  readBody(payload: FastifyRequest["raw"]): Promise<unknown>;
  /** An error with a code of ours, where it is one of the web framework's. */
  toCoded(error: unknown): unknown;
  /** The methods that a path has. */
  methodsOf(path: string): readonly string[];
}

export const registryPrefix = "/registry";

export function isRegistryPath(url: string): boolean {
  return /^\/registry(?:[/?]|$)/.test(url);
}

const types = [registryType, "application/vnd.schemaregistry+json", "application/json", "application/octet-stream"];

/**
 * The REST API of a Confluent Schema Registry below `/registry`.
 * Source: Confluent Platform, "Schema Registry API Reference".
 */
export async function addRegistryApi(app: FastifyInstance, options: RegistryApiOptions): Promise<void> {
  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(types, (_request: FastifyRequest, payload: FastifyRequest["raw"]) => options.readBody(payload));
      // The schemas of the routes describe them; what is sent is judged by the routes, with the codes of a registry.
      scope.setValidatorCompiler(() => (value: unknown) => ({ value }));
      const fail = async (failure: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
        const error = options.toCoded(failure);
        logFailure(options.logger, error, request.raw);
        // Nobody is left to be told.
        if (isAbort(error)) {
          reply.hijack();
          reply.raw.destroy();
          return;
        }
        const { status, body } = toRegistryError(error);
        await reply.code(status).send(toJson(body));
      };
      scope.setErrorHandler(fail);
      scope.setNotFoundHandler(async (request, reply) => {
        const path = request.url.split("?", 1)[0] ?? "";
        const allow = options.methodsOf(path);
        if (allow.length > 0) reply.header("allow", allow.join(", "));
        await fail(allow.length > 0 ? methodNotAllowed(request.method, allow) : notFound(request.originalUrl.split("?", 1)[0] ?? ""), request, reply);
      });
      // Last of all, as Fastify adds a charset, which clients that compare types do not expect.
      scope.addHook("onSend", async (request, reply, payload) => {
        reply.header("content-type", answerType(request));
        return payload;
      });
      const { subjects } = options.registry;
      addSchemaRoutes(scope, subjects);
      addSubjectRoutes(scope, subjects);
      addSettingRoutes(scope, subjects);
    },
    { prefix: registryPrefix },
  );
}

/** JSON under the name that the client asks for; under the registries' own by default. */
function answerType({ headers }: FastifyRequest): string {
  const accepted = headers.accept ?? "";
  return accepted.includes("application/json") && !accepted.includes("schemaregistry") ? "application/json" : registryType;
}
