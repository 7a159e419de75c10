import type { FastifyInstance, FastifyRequest } from "fastify";
import { MainstemError } from "../../runtime/errors.ts";
import { limits } from "../../runtime/limits.ts";
import type { Logger } from "../../runtime/logger.ts";
import { toJson } from "../json.ts";
import { ndjsonType, sendNdjson, writeCharactersMax } from "../ndjson-response.ts";
import { parseTime } from "../parameters.ts";
import type { PlatformView, QueryAt, QueryColumn, RowBatch, ViewQuery } from "../view.ts";
import { answer, listOf, noParameters, problems } from "./schemas.ts";

interface QueryBody {
  readonly sql: string;
  readonly at?: string | Readonly<Record<string, string>>;
}

export interface QueryRouteOptions {
  readonly view: PlatformView;
  readonly logger: Logger;
  readonly idleMs: number;
}

/** `POST /v1/query`. */
export function addQueryRoute(app: FastifyInstance, options: QueryRouteOptions): void {
  app.post<{ Body: QueryBody }>(
    "/v1/query",
    {
      schema: {
        tags: ["query"],
        summary: 'Runs one SELECT over the clean tables; a dataset is the table "namespace"."name"',
        querystring: noParameters,
        body: {
          type: "object",
          required: ["sql"],
          additionalProperties: false,
          properties: {
            sql: { type: "string", minLength: 1 },
            at: {
              description: "A time, or the snapshots to read by dataset; by default the current ones.",
              oneOf: [
                { type: "string", format: "date-time" },
                { type: "object", additionalProperties: { type: "string", pattern: "^[0-9]{1,19}$" } },
              ],
            },
          },
        },
        response: {
          200: {
            description: "The rows; with Accept: application/x-ndjson an object a line",
            content: {
              "application/json": {
                schema: answer("", { columns: listOf(answer("", { name: { type: "string" }, type: { type: "string" } })), rows: listOf(listOf({})) }),
              },
              [ndjsonType]: { schema: { type: "string" } },
            },
          },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { sql, at } = request.body;
      const query: ViewQuery = { sql, ...(at === undefined ? {} : { at: parseAt(at) }) };
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const batches = options.view.query(query, { signal: gone.signal });
      if (wantsLines(request)) return sendNdjson(request, reply, { texts: linesOf(batches), ...options });
      reply.header("content-type", "application/json");
      return collect(batches);
    },
  );
}

function wantsLines({ headers: { accept = "" } }: FastifyRequest): boolean {
  return accept.split(",").some((part) => part.trim().toLowerCase().startsWith(ndjsonType));
}

function parseAt(at: string | Readonly<Record<string, string>>): QueryAt {
  if (typeof at === "string") {
    const time = parseTime(at);
    if (time === undefined) throw new MainstemError("server.request", "at is an RFC 3339 time with a zone, or an object of snapshot ids.", { at });
    return { kind: "time", time };
  }
  return { kind: "snapshots", ids: new Map(Object.entries(at).map(([dataset, id]) => [dataset, BigInt(id)])) };
}

/** The whole answer as one JSON text, made batch by batch. */
async function collect(batches: AsyncIterable<RowBatch>): Promise<string> {
  let columns: readonly QueryColumn[] = [];
  const parts: string[] = [];
  let characters = 0;
  for await (const batch of batches) {
    ({ columns } = batch);
    for (const row of batch.rows) {
      const text = toJson(row);
      characters += text.length + 1;
      if (characters > limits.queryAnswerBytesMax)
        throw new MainstemError("query.tooLarge", `The answer is larger than ${limits.queryAnswerBytesMax} bytes.`, { bytesMax: limits.queryAnswerBytesMax });
      parts.push(text);
    }
  }
  return `{"columns":${toJson(columns)},"rows":[${parts.join(",")}]}`;
}

/** An object a row; what a batch has is written at once. */
async function* linesOf(batches: AsyncIterable<RowBatch>): AsyncGenerator<string> {
  for await (const { columns, rows } of batches) {
    let text = "";
    for (const row of rows) {
      text += `${toJson(Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])))}\n`;
      if (text.length < writeCharactersMax) continue;
      yield text;
      text = "";
    }
    if (text !== "") yield text;
  }
}
