import { isClock, type AvroTypeSchema, type Deletes, type Merge } from "@mainstem/contract";
import { Command } from "commander";
import type { DatasetDetail, VersionDetail } from "./answers.ts";
import { path } from "./client.ts";
import { print, printList, type Context, type Start } from "./context.ts";
import { describeFiles } from "./plan.ts";
import { describeEnd, describeMoves } from "./succession.ts";
import { formatCount, formatCounted, formatFacts, formatTable, toCell } from "./text-table.ts";

/** `mainstem describe NAME` */
export function describeCommand(start: Start): Command {
  const command = new Command("describe")
    .description("show a dataset: its contract, and how far log, archive and table are")
    .argument("<name>", "namespace.name")
    .option("--history", "list the versions of its contract instead, the newest last, with what each changed and where it came from")
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem describe shop.orders\n  mainstem describe shop.orders --history\n  mainstem describe shop.orders --json | jq .contract",
    );
  return command.action((name: string, options: { readonly history?: boolean }) =>
    start(command, async (context) => {
      if (options.history === true) {
        const { body } = await context.client.call({ path: path`/v1/definitions/dataset/${name}/history`, signal: context.signal });
        const { versions } = body as { readonly versions: readonly VersionDetail[] };
        return await printList(context, versions, (list) => showVersions(list, context.terminal.width));
      }
      const { body } = await context.client.call({ path: path`/v1/datasets/${name}`, signal: context.signal });
      const detail = body as DatasetDetail;
      const waiting = context.json ? 0 : await countWaiting(context, detail);
      await print(context, detail, (dataset) => show(dataset, { waiting, width: context.terminal.width }));
    }),
  );
}

/** The inbox's topic also holds what was settled. */
async function countWaiting({ client, signal }: Context, { name, topics }: DatasetDetail): Promise<number> {
  if (topics.inbox.partitions.every(({ first, end }) => first === end)) return 0;
  return ((await client.call({ path: path`/v1/datasets/${name}/inbox`, signal })).body as { readonly entries: number }).entries;
}

function show(dataset: DatasetDetail, { waiting, width }: { readonly waiting: number; readonly width: number | undefined }): readonly string[] {
  const { contract, archive, table } = dataset;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["description", contract.description],
    ["owner", contract.owner],
    ["version", `${dataset.version}, applied ${dataset.appliedAt}`],
    ["key", contract.key.join(", ")],
    ["order", contract.order === "log" ? "position in the log" : contract.order.join(", ")],
    ["merge", describeMerge(contract.merge)],
    ["deletes", contract.deletes === undefined ? undefined : describeDeletes(contract.deletes)],
    ["partition", contract.partition.map(({ transform, field, width: size }) => `${transform}(${field}${size === undefined ? "" : `, ${size}`})`).join(", ")],
    ["removed", contract.removed?.map((one) => (typeof one === "string" ? one : one.name)).join(", ")],
    ["tags", contract.tags.join(", ")],
    ["about", contract.subject?.join(", ")],
    [
      "kept in the log",
      [contract.retention?.log, contract.retention?.logBytes && `${formatCount(contract.retention.logBytes)} bytes a partition`].filter(Boolean).join(", "),
    ],
    ["ahead at most", contract.maxAhead],
    ["continues", dataset.predecessor === null ? contract.predecessor : `${dataset.predecessor.name}, ${describeEnd(dataset.predecessor)}`],
    ...readers(dataset.predecessor),
    ["continued by", dataset.successor === null ? undefined : `${dataset.successor.name}; this one is ${describeEnd(dataset.successor)}`],
    ...readers(dataset.successor),
    ...rebuild(dataset),
    ["status", [dataset.status, ...(dataset.reasons ?? []).map(({ message }) => message)].join("; ")],
    ["in the log", formatCounted(dataset.records, "record")],
    [
      "in the archive",
      `${formatCounted(
        archive.partitions.reduce((sum, { next }) => sum + next, 0),
        "record",
      )}${through(archive.completeThrough)}`,
    ],
    ["in the inbox", waiting === 0 ? undefined : formatCounted(waiting, "record")],
    ["in the table", dataset.rows === null ? undefined : `${formatCounted(dataset.rows, "row")}${through(dataset.completeThrough)}`],
    ["snapshot", table?.snapshot === null || table?.snapshot === undefined ? undefined : `${table.snapshot.id}, ${table.snapshot.committedAt}`],
    ["metadata", dataset.metadataLocation ?? undefined],
  ];
  const known = facts.flatMap(([title, value]) => (value === undefined || value === "" ? [] : [[title, value] as const]));
  const fields = fieldsOf(contract).map((field) => [field.name, describeType(field.type), aboutField(field)]);
  return [
    ...formatFacts([["dataset", contract.name], ...known], { width }),
    "",
    ...formatTable([{ title: "field", keep: true }, { title: "type" }, { title: "about" }], fields, { width }),
  ];
}

function readers(neighbour: DatasetDetail["successor"]): readonly (readonly [string, string])[] {
  return (neighbour === null ? [] : describeMoves(neighbour)).map((text) => ["reader", text]);
}

function rebuild({ rebuild: waiting, rebuildPending, contract: { name, owner } }: DatasetDetail): readonly (readonly [string, string])[] {
  if (waiting === null) return [];
  const what =
    rebuildPending.length === 0
      ? "the same contract"
      : `${rebuildPending.join(", ")}: the table follows the old contract until \`mainstem rebuild ${name}\` is swapped in`;
  const state = { needed: "not begun", building: "being built", ready: "ready: swap it or discard it" }[waiting.state];
  return [
    ["to be rebuilt", `${what} (${state})`],
    ["its effect", `${describeFiles(waiting.rewritten)} of the table made again; archive and consumers as they are; ${owner ?? "nobody"} owns it`],
  ];
}

function describeMerge(merge: Merge): string {
  if (merge.kind !== "fields") return merge.kind;
  return `by field: ${[...Object.entries(merge.fields).map(([name, rule]) => `${name} ${rule}`), "others latest"].join(", ")}`;
}

function describeDeletes({ field, values, horizon }: Deletes): string {
  return `${field} is ${values === undefined ? "true" : values.join(" or ")}${horizon === undefined ? "" : `, remembered for ${horizon}`}`;
}

function showVersions(versions: readonly VersionDetail[], width: number | undefined): readonly string[] {
  const rows = versions.map(({ version, appliedAt, schemaId, changes, provenance, closed }) => [
    toCell(version),
    appliedAt,
    toCell(schemaId),
    changes.join("; "),
    [closed === true ? "(closed)" : "", toCell(provenance)].filter((text) => text !== "").join(" "),
  ]);
  return formatTable(
    [{ title: "version", align: "right" }, { title: "applied" }, { title: "schema", align: "right" }, { title: "changes" }, { title: "from" }],
    rows,
    { width },
  );
}

function through(time: string | null): string {
  return time === null ? "" : `, complete through ${time}`;
}

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly pii?: unknown;
}

function fieldsOf({ schema }: DatasetDetail["contract"]): readonly Field[] {
  return (schema as { readonly fields: readonly Field[] }).fields;
}

/** What a field's declaration says of it beyond its type: that it is personal, and its doc. */
export function aboutField({ pii, doc }: Pick<Field, "pii" | "doc">): string {
  return [pii === true ? "pii" : "", toCell(doc)].filter((text) => text !== "").join("; ");
}

/** An Avro type in few words: `string or null`, `timestamp-micros`, `list of long`, otherwise its JSON. */
export function describeType(type: unknown): string {
  if (typeof type === "string") return type;
  if (Array.isArray(type)) {
    const others = type.filter((branch) => branch !== "null").map(describeType);
    return [...others, ...(others.length < type.length ? ["null"] : [])].join(" or ");
  }
  const { type: kind, logicalType, precision, scale, items, values, symbols, fields } = type as Readonly<Record<string, unknown>>;
  if (logicalType === "decimal") return `decimal(${toCell(precision)}, ${toCell(scale ?? 0)})`;
  if (typeof logicalType === "string") return logicalType;
  if (isClock(type as AvroTypeSchema)) return "hlc";
  if (kind === "array") return `list of ${describeType(items)}`;
  if (kind === "map") return `map of ${describeType(values)}`;
  if (kind === "enum" && Array.isArray(symbols)) return `one of ${symbols.join(", ")}`;
  if (kind === "record" && Array.isArray(fields))
    return `{ ${(fields as readonly Field[]).map((field) => `${field.name}: ${describeType(field.type)}${field.pii === true ? " (pii)" : ""}`).join(", ")} }`;
  return typeof kind === "string" ? kind : JSON.stringify(type);
}
