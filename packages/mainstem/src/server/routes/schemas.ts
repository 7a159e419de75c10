/** JSON schemas that several routes show; they document answers, which are written without them. */
export const problemSchema = {
  $id: "Problem",
  type: "object",
  description: "RFC 9457, with the code of the error, what to do about it, and its facts as further members.",
  required: ["type", "title", "status", "detail", "code", "remedy"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string" },
    remedy: { type: "string" },
  },
  additionalProperties: true,
} as const;

export const problems = { "4xx": { description: "A problem", content: { "application/problem+json": { schema: { $ref: "Problem#" } } } } } as const;

export const time = { type: "string", format: "date-time" } as const;
export const anyObject = { type: "object", additionalProperties: true } as const;
export const noParameters = { type: "object", additionalProperties: false, properties: {} } as const;

/** The schema of a success: an object with these members at least. */
export function answer(description: string, properties: Readonly<Record<string, unknown>>) {
  return { description, type: "object", properties, additionalProperties: true } as const;
}

export function listOf(items: unknown) {
  return { type: "array", items } as const;
}

/** Path parameters by name, each a string. */
export function pathParameters(names: Readonly<Record<string, string>>) {
  const properties = Object.fromEntries(Object.entries(names).map(([name, description]) => [name, { type: "string", description }]));
  return { type: "object", required: Object.keys(names), properties } as const;
}
