import { sameJson, toSchemaJson } from "../avro/schema-text.ts";
import { formatContract } from "../contract-json.ts";
import type { Check, Contract, Merge, PartitionField } from "../contract.ts";
import { unreachable } from "../unreachable.ts";
import { literal, literalLines, objectSource } from "./zod-source.ts";

/** Words that cannot name a constant. */
const reserved: ReadonlySet<string> = new Set(
  (
    "await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof " +
    "interface let new null package private protected public return static super switch this throw true try typeof var void while with yield arguments eval undefined z " +
    "bucket byField bytes dataset date day decimal first freshness hlc hour identity latest length localTimestamp long matches max min month none notNull oneOf parseContract range sum " +
    "timeOfDay timestamp timestampMillis truncate unique volume year"
  ).split(" "),
);

/**
 * A contract as a TypeScript module that declares it with Zod: what `dataset()` makes of it is the same contract.
 * Types that Zod has no word for stand in `.meta({ avro })`; a schema with attributes that Zod cannot carry is declared by its JSON form.
 */
export function toTypescript(contract: Contract): string {
  const short = contract.name.slice(contract.name.indexOf(".") + 1);
  const name = reserved.has(short) ? `${short}Dataset` : short;
  const zod = toZod(contract, short);
  if (zod === undefined) {
    const json = literalLines(formatContract(contract));
    return `import { parseContract } from "@mainstem/contract";\n\n// The schema has attributes that Zod cannot carry, so this is the JSON form.\nexport const ${name} = parseContract(${json});\n`;
  }
  const imports = ["dataset", ...zod.imports].toSorted();
  return `import { ${imports.join(", ")} } from "@mainstem/contract";\nimport { z } from "zod";\n\nexport const ${name} = dataset(${zod.source});\n`;
}

function toZod(contract: Contract, short: string): { readonly source: string; readonly imports: ReadonlySet<string> } | undefined {
  const imports = new Set<string>();
  const json = toSchemaJson(contract.schema) as Readonly<Record<string, unknown>>;
  const { doc } = contract.schema;
  const head = { type: "record", name: json["name"], namespace: json["namespace"], ...(doc === undefined ? {} : { doc }), fields: json["fields"] };
  const schema = sameJson(head, json) ? objectSource(contract.schema, json, { short, path: "", indent: "  ", imports }) : undefined;
  if (schema === undefined) return undefined;
  const call = (helper: string, ...given: readonly unknown[]): string => {
    imports.add(helper);
    return `${helper}(${given.map(literal).join(", ")})`;
  };
  const entries: readonly (readonly [string, string | undefined])[] = [
    ["name", literal(contract.name)],
    ["description", contract.description === undefined ? undefined : literal(contract.description)],
    ["owner", contract.owner === undefined ? undefined : literal(contract.owner)],
    ["schema", doc === undefined ? schema.source : `${schema.source}.meta(${literal({ description: doc })})`],
    ["key", literal(contract.key)],
    ["order", literal(contract.order)],
    ["merge", mergeCall(contract.merge, call)],
    ["deletes", contract.deletes === undefined ? undefined : literal(contract.deletes)],
    ["partition", listOf(contract.partition.map((field) => partitionCall(field, call)))],
    ["immutable", contract.immutable ? "true" : undefined],
    ["sort", contract.sort.length === 0 ? undefined : literal(contract.sort)],
    ["checks", listOf(contract.checks.map((check) => checkCall(check, call)))],
    ["compatibility", contract.compatibility === "BACKWARD_TRANSITIVE" ? undefined : literal(contract.compatibility)],
    ...(["subject", "retention", "maxAhead", "predecessor"] as const).map(
      (part) => [part, contract[part] === undefined ? undefined : literal(contract[part])] as const,
    ),
    ["removed", contract.removed === undefined ? undefined : literal(formatContract(contract).removed)],
    ["tags", contract.tags.length === 0 ? undefined : literal(contract.tags)],
  ];
  const lines = entries.flatMap(([key, source]) => (source === undefined ? [] : [`  ${key}: ${source},\n`]));
  return { source: `{\n${lines.join("")}}`, imports };
}

type Call = (helper: string, ...given: readonly unknown[]) => string;

function listOf(calls: readonly string[]): string | undefined {
  if (calls.length === 0) return undefined;
  const line = `[${calls.join(", ")}]`;
  return line.length <= 120 ? line : `[\n${calls.map((call) => `    ${call},\n`).join("")}  ]`;
}

function mergeCall(merge: Merge, call: Call): string | undefined {
  if (merge.kind === "latest") return undefined;
  return merge.kind === "fields" ? call("byField", merge.fields) : call(merge.kind);
}

function partitionCall({ field, transform, width }: PartitionField, call: Call): string {
  return width === undefined ? call(transform, field) : call(transform, field, width);
}

function checkCall(check: Check, call: Call): string {
  switch (check.kind) {
    case "freshness":
      return call(check.kind, check.within);
    case "volume": {
      const { kind, within, ...bounds } = check;
      return call(kind, within, bounds);
    }
    case "range":
    case "length": {
      const { kind, field, ...bounds } = check;
      return call(kind, field, bounds);
    }
    case "oneOf":
      return call(check.kind, check.field, check.values);
    case "matches":
      return call(check.kind, check.field, check.pattern);
    case "sum":
    case "min":
    case "max":
    case "unique":
    case "notNull":
      return call(check.kind, check.field);
    default:
      return unreachable(check);
  }
}
