import { problems } from "./schemas.ts";

/** Problems as OpenAPI writes them where @fastify/swagger does not pass by. */
const problem = {
  "4XX": { description: problems["4xx"].description, content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } },
};
const nameParameter = { name: "name", in: "path", required: true, schema: { type: "string" }, description: "`namespace.name`" };
const json = (schema: unknown, description: string) => ({ description, content: { "application/json": { schema } } });
const refused = {
  type: "array",
  items: {
    type: "object",
    required: ["index", "code", "errors"],
    properties: {
      index: { type: "integer", description: "The record's place in the request, from 0; blank NDJSON lines are not counted." },
      code: { type: "string", enum: ["record.invalid", "record.notJson", "record.notUtf8", "record.tooDeep", "record.tooLarge"] },
      errors: {
        type: "array",
        items: { type: "object", properties: { path: { type: "string" }, expected: { type: "string" }, received: { type: "string" } } },
      },
    },
  },
};
const receipt = {
  type: "object",
  required: ["accepted", "quarantined", "refused"],
  properties: {
    accepted: { type: "integer" },
    quarantined: { type: "integer" },
    refused,
    refusedMore: { type: "integer", description: "Refused records that are not named any more; absent when all are." },
  },
};
const record = { type: "object", additionalProperties: true };

/** The records path, which node:http serves itself: its description for the OpenAPI document. */
export const recordsPath = {
  post: {
    tags: ["records"],
    summary: "Sends records: one, an array, or NDJSON",
    description:
      "The answer comes when every accepted record is durable. NDJSON is streamed; a body with `atomic` or an Idempotency-Key, and JSON, is taken whole.",
    parameters: [
      nameParameter,
      {
        name: "invalid",
        in: "query",
        schema: { type: "string", enum: ["refuse", "inbox"], default: "refuse" },
        description: "What becomes of invalid records.",
      },
      {
        name: "atomic",
        in: "query",
        schema: { type: "boolean", default: false },
        description: "Nothing is appended unless every record is valid. Not with invalid=inbox.",
      },
      {
        name: "Idempotency-Key",
        in: "header",
        schema: { type: "string", maxLength: 255 },
        description: "A repeat with the same key and body within a day changes nothing.",
      },
      {
        name: "Mainstem-Sent-At",
        in: "header",
        schema: { type: "string", format: "date-time" },
        description: "The producer's own time; kept as a header of each record.",
      },
      { name: "Content-Encoding", in: "header", schema: { type: "string", enum: ["gzip", "identity"] } },
    ],
    requestBody: {
      required: true,
      content: {
        "application/json": { schema: { oneOf: [record, { type: "array", items: record }] } },
        "application/x-ndjson": { schema: { type: "string", description: "A record a line." } },
      },
    },
    responses: {
      200: {
        ...json(receipt, "What became of the records"),
        headers: { "Mainstem-Successor": { schema: { type: "string" }, description: "The dataset that continues this one: send there from now on." } },
      },
      409: { ...problem["4XX"], description: "The dataset is closed, and `successor` names the one that continues it; or a request with this key still runs" },
      422: {
        description: "The same, when there were records and none was taken; or a problem",
        content: { "application/json": { schema: receipt }, ...problem["4XX"].content },
      },
      503: { ...problem["4XX"], description: "Come again after Retry-After" },
      ...problem,
    },
  },
  get: {
    tags: ["records"],
    summary: "The records as they stand in the log",
    parameters: [
      nameParameter,
      { name: "partition", in: "query", schema: { type: "integer", minimum: 0 }, description: "By default all, one after the other; followed, all at once." },
      { name: "from", in: "query", schema: { type: "string", default: "start" }, description: "An offset, `start`, `end`, or an RFC 3339 time of append." },
      { name: "limit", in: "query", schema: { type: "integer", minimum: 0 } },
      {
        name: "replay",
        in: "query",
        schema: { type: "string" },
        description: "The records in the shadow topic of this replay, in place of the dataset's own.",
      },
      {
        name: "follow",
        in: "query",
        schema: { type: "boolean", default: false },
        description: "Wait for new records; of a closed dataset there are none, and the answer ends.",
      },
    ],
    responses: {
      200: {
        description: "An object a line: partition, offset, timestamp, key, value; `error` in place of `value` where a record cannot be read",
        headers: {
          "Mainstem-Topic-Id": { schema: { type: "string" }, description: "A topic that is deleted and made again has another id." },
          "Mainstem-Offsets": {
            schema: { type: "string" },
            description: 'Where the answer begins, by partition, as JSON: `{"0":12}`. With `limit=0`, what `from` means.',
          },
          "Mainstem-Successor": { schema: { type: "string" }, description: "Of a closed dataset: the one that continues it." },
          "Mainstem-Ends": { schema: { type: "string" }, description: 'Of a closed dataset: where it ends, by partition, as JSON: `{"0":1200}`.' },
        },
        content: { "application/x-ndjson": { schema: { type: "string" } } },
      },
      ...problem,
    },
  },
} as const;
