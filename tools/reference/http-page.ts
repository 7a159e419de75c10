import { openApi } from "../../packages/mainstem/src/server/testing/open-api.ts";
import { madeFrom, toBlock, toTable, type Page } from "./page.ts";
import { describeSchema, type Schema } from "./schema-text.ts";

interface Content {
  readonly [type: string]: { readonly schema?: Schema };
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
  readonly description?: string;
}
interface Operation {
  readonly tags?: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

interface Route extends Operation {
  readonly method: string;
  readonly path: string;
}

/** Every route as /openapi.json describes it. */
export async function httpPage(): Promise<Page> {
  await using api = await openApi();
  const { body } = await api.call("/openapi.json");
  const paths = body["paths"] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })),
  );
  const groups = Map.groupBy(routes, ({ tags = ["others"] }) => tags[0] ?? "others");
  const text = [
    "# The HTTP API",
    "",
    "Errors are problems (RFC 9457, `application/problem+json`) with a `code` and what to do about it (`remedy`); the codes are in [Errors](errors.md). A server with a token asks for `Authorization: Bearer`, but at `/health`. What answers GET answers HEAD too, with nothing after the head (RFC 9110); a log is then not followed. A running server describes all of this at `/openapi.json`.",
    "",
    madeFrom("the routes, by way of `/openapi.json`,"),
    "",
    ...[...groups].flatMap(([group, list]) => [`## ${group}`, "", ...list.flatMap(section)]),
  ].join("\n");
  return { path: "docs/reference/http.md", text };
}

function section({ method, path, summary, description, parameters = [], requestBody, responses }: Route): readonly string[] {
  const rows = parameters.map(({ name, in: place, required, schema, description: about }) => [
    `\`${name}\``,
    `${place}${required === true ? ", needed" : ""}`,
    `\`${describeSchema(schema)}\``,
    about ?? schema.description ?? "",
  ]);
  return [
    `### ${method} ${path}`,
    "",
    `${[summary, description].filter((text) => text !== undefined).join(". ")}${(description ?? summary).endsWith(".") ? "" : "."}`,
    "",
    ...(rows.length === 0 ? [] : [toTable(["parameter", "in", "type", ""], rows), ""]),
    ...(requestBody === undefined ? [] : ["It takes:", "", ...bodies(requestBody.content)]),
    ...answers(responses),
  ];
}

/** What answers hold; that errors are problems stands at the top of the page. */
function answers(responses: Operation["responses"]): readonly string[] {
  return Object.entries(responses)
    .filter(([, { content = {} }]) => !Object.keys(content).every((type) => type.includes("problem+json")) || Object.keys(content).length === 0)
    .filter(([status]) => !/^[45]XX$/.test(status))
    .flatMap(([status, { description, content = {} }]) => [`It answers ${status}${description === "" ? "" : `: ${description}`}.`, "", ...bodies(content)]);
}

function bodies(content: Content): readonly string[] {
  return Object.entries(content)
    .filter(([type]) => !type.includes("problem+json"))
    .flatMap(([type, { schema }]) => [toBlock(`${type}\n${schema === undefined ? "" : describeSchema(schema)}`), ""]);
}
