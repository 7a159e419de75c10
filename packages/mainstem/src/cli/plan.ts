import { formatExact } from "@mainstem/contract";
import { Command } from "commander";
import type { PlanDetail } from "./answers.ts";
import { printList, type Context, type Start } from "./context.ts";
import { readDeclarations, sayNotes, type Declaration } from "./contract-files.ts";
import { exitCodes } from "./failure.ts";
import { unreachable } from "../runtime/assert.ts";
import { describeEnd, describeMoves } from "./succession.ts";
import { formatBytes, formatCount } from "./text-table.ts";

/** `mainstem plan FILE…` */
export function planCommand(start: Start): Command {
  const command = new Command("plan")
    .description("say what applying files would do to schema, table and consumers, without doing it")
    .argument("<file...>", "files that declare datasets, as for apply")
    .addHelpText(
      "after",
      "\nEnds with 0 if all of it can be applied, what needs consent (apply --rebuild) included, which the plan says; with 1 if something cannot." +
        "\n`mainstem apply --check` ends with 1 for whatever is not applied yet." +
        "\n\nExamples:\n  mainstem plan datasets.ts\n  mainstem plan orders.yaml --json | jq .table",
    );
  return command.action((files: readonly string[]) =>
    start(command, async (context) => {
      const plans = await askPlans(context, await readFiles(context, files));
      await printList(context, plans, (list) => list.flatMap(describePlan));
      return plans.every(({ compatible }) => compatible) ? exitCodes.ok : exitCodes.failed;
    }),
  );
}

/** All files are read before anything is asked of the server. */
export async function readFiles(context: Context, files: readonly string[]): Promise<readonly Declaration[]> {
  const declarations = await readDeclarations(...files);
  sayNotes(context, declarations);
  return declarations;
}

/** One by one, as they would be applied: so a request is never larger than that of `apply`, but for the names of those that would be new before. */
export async function askPlans({ client, signal }: Context, declarations: readonly Declaration[]): Promise<readonly PlanDetail[]> {
  const plans: PlanDetail[] = [];
  const created: unknown[] = [];
  for (const { name, contract: spec } of declarations) {
    const body = { created, definitions: [{ kind: "dataset", spec }] };
    const answer = await client.call({ method: "POST", path: "/v1/plan", body, signal });
    const [plan] = (answer.body as { readonly plans: readonly [PlanDetail] }).plans;
    if (plan.kind === "created") created.push({ name, predecessor: (spec as { readonly predecessor?: string }).predecessor });
    plans.push(plan);
  }
  return plans;
}

export function describePlan(plan: PlanDetail): readonly string[] {
  const { name, kind, version, changes = [], refused } = plan;
  const head = `${kind.padEnd(9)} ${name === "" ? "(no name)" : name}${version === undefined ? "" : `  version ${version}`}`;
  const reasons = refused.map(({ path, reason, remedy }) => `  ${path}: ${[reason, remedy].filter((text) => text !== "").join(" ")}`);
  return [head, ...changes.map((change) => `  ${change}`), ...reasons, ...describeEffects(plan)];
}

/** Nobody is affected by what does not change, or cannot; but who owns it may want to know. */
function describeEffects(plan: PlanDetail): readonly string[] {
  switch (plan.kind) {
    case "changed":
    case "created":
      return [
        ...describeTable(plan),
        ...describeArchive(plan),
        ...describeUse(plan),
        ...describeConsumers(plan),
        ...describeSuccession(plan),
        ...describeOwner(plan),
      ];
    case "unchanged":
      return plan.table?.effect === "rebuild" ? [...describeTable(plan), ...describeSuccession(plan), ...describeOwner(plan)] : describeSuccession(plan);
    case "refused":
      return describeOwner(plan);
    case "invalid":
      return [];
    default:
      return unreachable(plan.kind);
  }
}

function describeSuccession({ predecessor, successor }: PlanDetail): readonly string[] {
  const before = predecessor === undefined ? [] : titled("continues", [`${predecessor.name}, ${describeEnd(predecessor)}`, ...describeMoves(predecessor)]);
  const after =
    successor === undefined ? [] : titled("continued", [`by ${successor.name}; this one is ${describeEnd(successor)}`, ...describeMoves(successor)]);
  return [...before, ...after];
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((text, index) => `  ${(index === 0 ? title : "").padEnd(10)} ${text}`);
}

/** What of a table is written again. */
export function describeFiles({ files, rows, bytes }: { readonly files: number; readonly rows: number; readonly bytes: number }): string {
  return `${files === 1 ? "1 file" : `${formatCount(files)} files`} (${rows === 1 ? "1 row" : `${formatCount(rows)} rows`}, ${formatBytes(bytes)})`;
}

function describeTable({ table, consent, fields }: PlanDetail): readonly string[] {
  if (table === undefined || (table.effect === "unchanged" && consent === undefined)) return ["  table      as it is"];
  if (table.effect === "created") return ["  table      made with the first records"];
  const { files } = table.rewritten;
  const again = describeFiles(table.rewritten);
  const nulls = table.null.map((field) => `${field} is null in rows that are there`);
  const filled = Object.entries(table.filled).map(([field, value]) => `${field} is ${formatExact(value)} in rows that are there`);
  const costs = {
    unchanged: "as it is",
    metadata: "only metadata changes",
    rewrite: `${again} ${files === 1 ? "is" : "are"} written again, because a default that is not null is filled in`,
    rebuild: `stays as it is until it is built again for ${(table.rebuilt ?? []).join(", ")} and swapped in, in place of ${again}`,
  };
  const columns = [
    ...(fields?.renamed ?? []).map(({ from, to }) => `column ${from} is called ${to} from then on; older snapshots keep the name`),
    ...(fields?.widened ?? []).map((name) => `column ${name} is widened; files that are there stay as they are`),
    ...(fields?.removed ?? []).map((name) => `column ${name} is no longer in the table; older snapshots keep it`),
  ];
  const asked = consent === undefined ? [] : [`apply it with --rebuild, for ${consent.join(", ")}`];
  return titled("table", [costs[table.effect], ...columns, ...filled, ...nulls, ...asked]);
}

function describeArchive({ archive, fields }: PlanDetail): readonly string[] {
  if (archive !== "unchanged") return [];
  const reading = [
    ...(fields === undefined || fields.added.length > 0 ? ["with the new fields' defaults"] : []),
    ...(fields !== undefined && fields.renamed.length > 0 ? ["by the fields' earlier names"] : []),
    ...(fields !== undefined && fields.removed.length > 0 ? ["without the fields that are gone"] : []),
  ];
  return [`  archive    as it is${reading.length === 0 ? "" : `; older records are read ${reading.join(", ")}`}`];
}

/** Who names a field by what it was called so far. */
function describeUse({ fields }: PlanDetail): readonly string[] {
  const { renamed = [], removed = [], widened = [] } = fields ?? {};
  const producers = [...renamed.map(({ from, to }) => `may send ${from} or ${to}, not both`), ...removed.map((name) => `that still send ${name} are refused`)];
  const readers = [
    ...renamed.map(({ from, to }) => `that say ${from} must say ${to}; consumers get ${to}`),
    ...removed.map((name) => `that say ${name} fail, but at older snapshots; consumers no longer get it`),
    ...widened.map((name) => `and consumers get more values of ${name} than they know`),
  ];
  return [...titled("producers", producers), ...titled("queries", readers)];
}

function describeConsumers({ consumers = [], consumersLeftOut = 0 }: PlanDetail): readonly string[] {
  const own = consumers.filter(({ platform }) => !platform);
  if (own.length === 0) return [];
  const lines = own.map(({ group, lag }) => `${group}, ${lag === 0 ? "has read all" : `${formatCount(lag)} records behind`}`);
  return titled("consumers", [...lines, ...(consumersLeftOut > 0 ? [`and ${formatCount(consumersLeftOut)} more groups`] : [])]);
}

function describeOwner({ owner }: PlanDetail): readonly string[] {
  if (owner === undefined || (owner.now ?? owner.next) === null) return [];
  return [`  owner      ${owner.now === null || owner.now === owner.next ? owner.next : `${owner.now}, then ${owner.next ?? "nobody"}`}`];
}
