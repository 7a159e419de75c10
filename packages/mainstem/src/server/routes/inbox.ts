import { parseContract, type Contract } from "@mainstem/contract";
import type { FastifyInstance } from "fastify";
import type { Inbox, Outcome, Selection } from "../../inbox/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { parseCount } from "../parameters.ts";
import { answer, anyObject, listOf, noParameters, pathParameters, problems } from "./schemas.ts";

const tags = ["inbox"];
const entriesDefault = 100;
const entriesMax = 10_000;
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

interface SelectionBody {
  readonly id?: string;
  readonly group?: string;
  readonly all?: true;
}
type Body = SelectionBody & { readonly transform?: string; readonly contract?: unknown; readonly reason?: string };
interface Named {
  readonly name: string;
}

/** Records that wait with their cause: `/v1/datasets/{name}/inbox`. */
export function addInboxRoutes(app: FastifyInstance, inbox: Inbox): void {
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
            examples: [{ group: "0a1b2c3d4e5f", transform: "merge(record, {'amount': '0.00'})" }],
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
    { transform, contract: { ...anyObject, description: "A contract that is not applied yet." } },
    (name, body) =>
      inbox.preview(name, {
        selection: toSelection(body),
        fix: { ...toTransform(body), ...(body.contract === undefined ? {} : { contract: toContract(name, body.contract) }) },
      }),
  );
  post("retry", "Sends entries through the door again; those that are accepted leave the inbox", { transform }, (name, body) =>
    inbox.retry(name, { selection: toSelection(body), ...toTransform(body) }),
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

function toTransform({ transform: expression }: Body): { readonly transform?: string } {
  return expression === undefined ? {} : { transform: expression };
}

function toContract(name: string, json: unknown): Contract {
  const contract = parseContract(json);
  if (contract.name === name) return contract;
  throw new MainstemError("server.request", `The contract is of ${contract.name}, not of ${name}.`, { name: contract.name });
}
