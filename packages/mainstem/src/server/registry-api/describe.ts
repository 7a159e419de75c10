import { answer, pathParameters } from "../routes/schemas.ts";

const meanings = {
  defaultToGlobal: "`true`: what holds, where the subject has nothing of its own.",
  deleted: "`true`: softly deleted ones too.",
  deletedOnly: "`true`: only softly deleted ones.",
  fetchMaxId: "`true`: with the greatest id as `maxId`.",
  force: "`true`: IMPORT although there are versions.",
  latestOnly: "`true`: only the latest version of each subject.",
  limit: "How many at most; all by default.",
  normalize: "Taken, and without effect: schemas are always compared in their canonical form.",
  offset: "How many are left out in front.",
  permanent: "`true`: for good, after they were deleted softly.",
  subject: "The subject that is meant.",
  subjectPrefix: "What subjects begin with.",
  verbose: "`true`: with the reasons.",
} as const;

const pathMeanings = { subject: "`<dataset>-value` or any other name", version: "A number, or `latest`", id: "A number" } as const;

export const schemaProperties = {
  subject: { type: "string" },
  version: { type: "integer" },
  id: { type: "integer" },
  schema: { type: "string", description: "Avro's JSON, as text." },
  references: {
    type: "array",
    items: { type: "object", properties: { name: { type: "string" }, subject: { type: "string" }, version: { type: "integer" } } },
  },
} as const;
const schemaBody = {
  type: "object",
  required: ["schema"],
  properties: { schema: schemaProperties.schema, schemaType: { type: "string", enum: ["AVRO"] }, references: schemaProperties.references },
} as const;
export const compatibilityBody = { type: "object", properties: { compatibility: { type: "string" } } } as const;
export const modeBody = { type: "object", properties: { mode: { type: "string" } } } as const;

/** The description of a route of the registry API. */
export function describe(
  summary: string,
  options: {
    readonly path?: readonly (keyof typeof pathMeanings)[];
    readonly query?: readonly (keyof typeof meanings)[];
    readonly body?: object | "schema";
    /** What a success is. */
    readonly gives: object;
  },
) {
  const { path = [], query = [], body, gives } = options;
  const errors = answer("The registry's code, and what it means", { error_code: { type: "integer" }, message: { type: "string" } });
  return {
    schema: {
      tags: ["registry"],
      summary,
      ...(path.length === 0 ? {} : { params: pathParameters(Object.fromEntries(path.map((name) => [name, pathMeanings[name]]))) }),
      querystring: { type: "object", properties: Object.fromEntries(query.map((name) => [name, { type: "string", description: meanings[name] }])) },
      ...(body === undefined ? {} : { body: body === "schema" ? schemaBody : body }),
      response: { 200: { description: summary, ...gives }, "4xx": errors, "5xx": errors },
    },
  };
}

export const given = {
  object: (properties: Readonly<Record<string, unknown>>) => ({ type: "object", properties, additionalProperties: true }),
  list: (items: object) => ({ type: "array", items }),
  text: { type: "string" },
  integer: { type: "integer" },
  anything: {},
} as const;
