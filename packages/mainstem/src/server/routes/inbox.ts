import { parseContract, type Contract } from "@mainstem/contract";
import type { FastifyInstance } from "fastify";
import type { Fix, Inbox, MendedRecord, Outcome, RefusedRecord, Selection } from "../../inbox/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { ndjsonType, sendNdjson, writeCharactersMax } from "../ndjson-response.ts";
import { parseCount } from "../parameters.ts";
import { answer, anyObject, listOf, noParameters, pathParameters, problems } from "./schemas.ts";

const tags = ["inbox"];
const entriesDefault = 100;
const entriesMax = 10_000;
/** Mended records of one request. */
const recordsMax = 10_000;
const count = { type: "integer" } as const;
const string = { type: "string" } as const;
const params = pathParameters({ name: "`namespace.name`" });
const errors = listOf(answer("What is wrong", { path: string, expected: string, received: string }));
const entryProperties = {
  id: string,
  offset: count,
  from: { ...string, description: "`door`, or the name of a task." },
  code: string,
  errors,
  contractVersion: count,
  time: { ...string, format: "date-time" },
  group: { ...string, description: "Entries with one cause have one group." },
  cutFrom: { ...count, description: "Only where just the beginning was kept: the whole length." },
  origin: { ...anyObject, description: "Of records from a task: where they are in the log." },
};
const selectionProperties = { id: string, group: string, all: { type: "boolean", const: true } };
const outcome = answer("What came of it", {
  selected: count,
  accepted: count,
  refused: { ...count, description: "They stay in the inbox." },
  samples: listOf(anyObject),
  reasons: listOf(answer("", { code: string, path: string, expected: string, received: { ...string, description: "In the first of them." }, count })),
});
const transform = {
  ...string,
  description: "A CEL expression of `record` whose value is the mended record; also merge, without, rename, and replace of a text.",
};
/** Each is looked at by `toRecords`, which stops at the first fault: a list of faults could be longer than the body. */
const records = {
  type: "array",
  maxItems: recordsMax,
  description: `Instead of a selection and a transform: up to ${recordsMax} records that were mended elsewhere, each as {"id": the entry, "record": what is sent in its place}. Whole numbers beyond 2^53 are sent as text, but for floats and doubles. An entry that no longer waits is refused by itself.`,
};

interface SelectionBody {
  readonly id?: string;
  readonly group?: string;
  readonly all?: true | "true";
}
type Body = SelectionBody & { readonly transform?: string; readonly records?: readonly unknown[]; readonly contract?: unknown; readonly reason?: string };
interface Named {
  readonly name: string;
}

export interface InboxRoutesOptions {
  readonly inbox: Inbox;
  readonly logger: Logger;
  readonly idleMs: number;
}

/** Records that wait with their cause: `/v1/datasets/{name}/inbox`. Bodies have to come with their whole numbers exact (`parseExact`). */
export function addInboxRoutes(app: FastifyInstance, { inbox, logger, idleMs }: InboxRoutesOptions): void {
  app.get<{ Params: Named }>(
    "/v1/datasets/:name/inbox",
    {
      schema: {
        tags,
        summary: "What waits in a dataset's inbox, by cause",
        params,
        querystring: noParameters,
        response: {
          200: answer("The groups, the largest first", {
            entries: count,
            more: { type: "boolean", description: "Whether more wait than are counted." },
            groups: listOf(
              answer("", { group: string, from: string, code: string, path: string, expected: string, count, first: string, last: string, example: string }),
            ),
          }),
          ...problems,
        },
      },
    },
    async ({ params: { name } }) => inbox.groups(name),
  );
  app.get<{ Params: Named; Querystring: { readonly group?: string; readonly limit?: string } }>(
    "/v1/datasets/:name/inbox/entries",
    {
      schema: {
        tags,
        summary: "Entries of a group, or all, the oldest first, without their originals",
        params,
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: { group: string, limit: { ...string, description: `${entriesDefault} by default, at most ${entriesMax}.` } },
        },
        response: { 200: answer("The entries", { entries: listOf(answer("", entryProperties)) }), ...problems },
      },
    },
    async ({ params: { name }, query: { group, limit } }) => {
      const most = limit === undefined ? entriesDefault : Math.min(entriesMax, parseCount("limit", limit, "server.request"));
      return { entries: await inbox.entries(name, { selection: group === undefined ? { all: true } : { group }, limit: most }) };
    },
  );
  app.get<{ Params: Named; Querystring: { readonly id: string } }>(
    "/v1/datasets/:name/inbox/entry",
    {
      schema: {
        tags,
        summary: "One entry with its original",
        params,
        querystring: { type: "object", required: ["id"], additionalProperties: false, properties: { id: string } },
        response: {
          200: answer("The entry", {
            ...entryProperties,
            original: { type: ["string", "null"], description: "The original bytes in base64." },
            record: { description: "The original as JSON, where it is a record." },
          }),
          ...problems,
        },
      },
    },
    async ({ params: { name }, query: { id } }) => {
      const { entry, original, record } = await inbox.show(name, id);
      return { ...entry, original: original?.toString("base64") ?? null, ...(record === undefined ? {} : { record }) };
    },
  );
  app.get<{ Params: Named; Querystring: SelectionBody & { readonly after?: string } }>(
    "/v1/datasets/:name/inbox/records",
    {
      schema: {
        tags,
        summary: "Entries with their records, to be mended elsewhere, the oldest first",
        params,
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            id: string,
            group: string,
            all: { type: "string", const: "true" },
            after: { ...string, description: "Only entries beyond this offset." },
          },
        },
        response: {
          200: {
            description:
              "An entry a line: `id`, `offset`, `from`, `code`, `errors`, `contractVersion`, `time`, and `record`, with its whole numbers as they came, " +
              "up to 1,000 digits; or, where there is no record in the original, `failed` with a `code` and `errors`",
            content: { [ndjsonType]: { schema: string } },
          },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { after, ...selection } = request.query;
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const found = inbox.records(request.params.name, {
        selection: toSelection(selection),
        ...(after === undefined ? {} : { after: parseCount("after", after, "server.request") }),
        signal: gone.signal,
      });
      return sendNdjson(request, reply, { texts: linesOf(found), logger, idleMs });
    },
  );
  const post = (action: string, summary: string, more: Readonly<Record<string, unknown>>, run: (name: string, body: Body) => Promise<Outcome>): void => {
    app.post<{ Params: Named; Body: Body }>(
      `/v1/datasets/:name/inbox/${action}`,
      {
        schema: {
          tags,
          summary,
          params,
          querystring: noParameters,
          body: {
            type: "object",
            additionalProperties: false,
            properties: { ...selectionProperties, ...more },
            examples: [
              { group: "0a1b2c3d4e5f", transform: "merge(record, {'amount': '0.00'})" },
              { records: [{ id: "door/6f1c0a9b/12", record: { orderId: "A-1", amount: "0.00" } }] },
            ],
          },
          response: { 200: outcome, ...problems },
        },
      },
      async ({ params: { name }, body }) => run(name, body),
    );
  };
  post(
    "preview",
    "What a fix would make of entries; sends nothing",
    { transform, records, contract: { ...anyObject, description: "A contract that is not applied yet." } },
    (name, body) => inbox.preview(name, { ...toFix(body), ...(body.contract === undefined ? {} : { contract: toContract(name, body.contract) }) }),
  );
  post("retry", "Sends entries through the door again; those that are accepted leave the inbox", { transform, records }, (name, body) =>
    inbox.retry(name, toFix(body)),
  );
  app.post<{ Params: Named; Body: Body }>(
    "/v1/datasets/:name/inbox/drop",
    {
      schema: {
        tags,
        summary: "Gives entries up, with the reason",
        params,
        querystring: noParameters,
        body: { type: "object", required: ["reason"], additionalProperties: false, properties: { ...selectionProperties, reason: string } },
        response: { 200: answer("How many", { dropped: count }), ...problems },
      },
    },
    async ({ params: { name }, body }) => inbox.drop(name, { selection: toSelection(body), reason: body.reason ?? "" }),
  );
}

/** Exactly one of them: nobody drops everything by leaving a word out. */
function toSelection({ id, group, all }: SelectionBody): Selection {
  if ([id, group, all].filter((one) => one !== undefined).length !== 1)
    throw new MainstemError("server.request", "Say which entries: one of id, group, or all: true.");
  return id !== undefined ? { id } : group !== undefined ? { group } : { all: true };
}

function toFix({ transform: expression, records: mended, ...rest }: Body): Fix {
  if (mended === undefined) return { selection: toSelection(rest), ...(expression === undefined ? {} : { transform: expression }) };
  const { id, group, all } = rest;
  if ([id, group, all, expression].some((one) => one !== undefined))
    throw new MainstemError("server.request", "With records nothing is selected or transformed: leave out id, group, all and transform.");
  return { records: toRecords(mended) };
}

function toRecords(list: readonly unknown[]): readonly MendedRecord[] {
  const seen = new Set<string>();
  return list.map((one, index) => {
    if (!isMended(one)) throw new MainstemError("server.request", `records[${index}] is not {"id": …, "record": …}.`, { index });
    if (seen.has(one.id)) throw new MainstemError("server.request", `records[${index}] is for an entry that has one already.`, { index, id: one.id });
    seen.add(one.id);
    return one;
  });
}

function isMended(value: unknown): value is MendedRecord {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "id") || !Object.hasOwn(value, "record")) return false;
  return Object.keys(value).length === 2 && typeof (value as MendedRecord).id === "string";
}

async function* linesOf(found: AsyncIterable<RefusedRecord>): AsyncGenerator<string> {
  let text = "";
  for await (const one of found) {
    const { id, offset, from, code, errors: faults, contractVersion, time } = one.entry;
    const cause = { id, offset, from, code, errors: faults, contractVersion, time };
    if (one.kind === "failed") text += `${JSON.stringify({ ...cause, failed: { code: one.code, errors: one.errors } })}\n`;
    else text += `${JSON.stringify(cause).slice(0, -1)},"record":${one.json}}\n`;
    if (text.length < writeCharactersMax) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

function toContract(name: string, json: unknown): Contract {
  const contract = parseContract(json);
  if (contract.name === name) return contract;
  throw new MainstemError("server.request", `The contract is of ${contract.name}, not of ${name}.`, { name: contract.name });
}
