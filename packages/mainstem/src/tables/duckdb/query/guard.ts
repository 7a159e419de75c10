import type { DuckDBConnection } from "@duckdb/node-api";
import { MainstemError } from "../../../runtime/errors.ts";
import { perhaps } from "../../../runtime/nearest-name.ts";

/** A statement that may run, and the datasets (`namespace.name`) that it reads, in the order of their names. */
export interface CheckedQuery {
  readonly datasets: readonly string[];
}

/** Longer statements are refused before they are parsed. */
const sqlCharactersMax = 1_000_000;

/** What may stand in FROM beside datasets: functions that make rows from their arguments alone. */
const tableFunctions = new Set(["range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"]);

/**
 * Functions that tell of the machine, change the engine's state, or run text as a query. (Files, network and environment are shut out besides:
 * the engine is locked, and `getenv` is a part of DuckDB's shell.)
 */
const forbiddenFunctions = new Set([
  "currval",
  "current_setting",
  "getenv",
  "getvariable",
  "json_deserialize_sql",
  "json_execute_serialized_sql",
  "json_serialize_plan",
  "nextval",
  "pg_sleep",
  "sleep_ms",
  "version",
  "write_log",
]);

interface Node {
  readonly [key: string]: unknown;
}

/**
 * Judges a statement by DuckDB's own syntax tree (`json_serialize_sql`, which knows nothing but SELECT), before anything of it is bound or run.
 * What is not known to be harmless is refused: exactly one SELECT, over datasets by their two names, common table expressions and functions that
 * make rows; with `known`, over these datasets. Throws `query.invalid` with DuckDB's message and place, `query.forbidden` with the reason.
 */
export async function checkQuery(connection: DuckDBConnection, sql: string, { known }: { readonly known?: ReadonlySet<string> } = {}): Promise<CheckedQuery> {
  if (sql.length > sqlCharactersMax) throw new MainstemError("query.invalid", `The statement is longer than ${sqlCharactersMax} characters.`);
  const tree = await parse(connection, sql);
  if (tree["error"] === true) throw parseError(tree);
  const statements = tree["statements"] as readonly Node[];
  const [statement] = statements;
  if (statement === undefined || statements.length > 1) throw forbidden(`One statement is allowed, and this is ${statements.length}.`);
  const found: Found = { tables: [], commonNames: new Set() };
  walk(statement, found);
  const datasets = datasetsOf(found);
  const missing = datasets.find((dataset) => known?.has(dataset) === false);
  if (missing !== undefined)
    throw new MainstemError("query.invalid", `There is no dataset ${missing}${perhaps(missing, [...(known ?? [])])}.`, { dataset: missing });
  return { datasets };
}

async function parse(connection: DuckDBConnection, sql: string): Promise<Node> {
  const result = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [sql]);
  return JSON.parse(String(result.getRows()[0]?.[0])) as Node;
}

function parseError(tree: Node): MainstemError {
  const message = String(tree["error_message"]);
  // The parser knows the statement, but it has no tree.
  if (tree["error_type"] !== "parser") return forbidden("The statement is no SELECT, or one of a kind that is not allowed (such as PIVOT).");
  const position = Number(tree["position"]);
  return new MainstemError("query.invalid", `The statement cannot be read: ${message}`, Number.isFinite(position) ? { position } : {});
}

interface Found {
  readonly tables: { readonly catalog: string; readonly schema: string; readonly name: string }[];
  readonly commonNames: Set<string>;
}

/** Every node of the tree, whatever it is a part of. */
function walk(value: unknown, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, found);
  } else if (typeof value === "object" && value !== null) {
    visit(value as Node, found);
    for (const child of Object.values(value)) walk(child, found);
  }
}

function visit(node: Node, { tables, commonNames }: Found): void {
  switch (node["type"]) {
    case "BASE_TABLE":
      tables.push({ catalog: String(node["catalog_name"]), schema: String(node["schema_name"]), name: String(node["table_name"]) });
      break;
    case "TABLE_FUNCTION": {
      const name = String((node["function"] as Node)["function_name"]).toLowerCase();
      if (!tableFunctions.has(name)) throw forbidden(`The table function ${name} is not allowed: only datasets can be read.`);
      break;
    }
    case "SHOW_REF":
      throw forbidden("SHOW, DESCRIBE and SUMMARIZE are not allowed: `mainstem datasets` lists the tables, `mainstem describe NAME` shows the columns of one.");
    case "PARAMETER":
    case "VALUE_PARAMETER":
      throw new MainstemError("query.invalid", "The statement has a parameter, for which there is no value.");
    default:
      break;
  }
  if (node["class"] === "FUNCTION" || node["type"] === "FUNCTION") {
    const name = String(node["function_name"]).toLowerCase();
    if (forbiddenFunctions.has(name)) throw forbidden(`The function ${name} is not allowed.`);
  }
  const common = (node["cte_map"] as Node | undefined)?.["map"];
  if (Array.isArray(common)) for (const { key } of common as readonly Node[]) commonNames.add(String(key).toLowerCase());
}

function datasetsOf({ tables, commonNames }: Found): readonly string[] {
  const datasets = new Set<string>();
  for (const { catalog, schema, name } of tables) {
    if (catalog !== "")
      throw forbidden(`${catalog}.${schema}.${name} has three parts: a dataset is written "namespace"."name", as in "${catalog}.${schema}"."${name}".`);
    if (schema !== "") datasets.add(`${schema}.${name}`);
    else if (!commonNames.has(name.toLowerCase())) {
      throw new MainstemError("query.invalid", `There is no table ${name}: a dataset is written "namespace"."name".`, { table: name });
    }
  }
  return [...datasets].sort();
}

function forbidden(sentence: string): MainstemError {
  return new MainstemError("query.forbidden", sentence);
}
