import { Command } from "commander";
import type { PlanDetail } from "./answers.ts";
import { printList, type Context, type Start } from "./context.ts";
import { readDeclarations, sayNotes, type Declaration } from "./contract-files.ts";
import { exitCodes } from "./failure.ts";
import { formatBytes, formatCount } from "./text-table.ts";

/** Declarations of one request to the server. */
const batchMax = 100;

/** `mainstem plan FILE…` */
export function planCommand(start: Start): Command {
  const command = new Command("plan")
    .description("say what applying files would do to schema, table and consumers, without doing it; exit code 1 if one could not be applied")
    .argument("<file...>", "files that declare datasets, as for apply")
    .addHelpText("after", "\nExamples:\n  mainstem plan datasets.ts\n  mainstem plan orders.yaml --json | jq .table");
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
  const declarations = (await Promise.all(files.map(readDeclarations))).flat();
  sayNotes(context, declarations);
  return declarations;
}

export async function askPlans({ client, signal }: Context, declarations: readonly Declaration[]): Promise<readonly PlanDetail[]> {
  const plans: PlanDetail[] = [];
  for (let start = 0; start < declarations.length; start += batchMax) {
    const definitions = declarations.slice(start, start + batchMax).map(({ contract: spec }) => ({ kind: "dataset", spec }));
    const { body } = await client.call({ method: "POST", path: "/v1/plan", body: { definitions }, signal });
    plans.push(...(body as { readonly plans: readonly PlanDetail[] }).plans);
  }
  return plans;
}

export function describePlan(plan: PlanDetail): readonly string[] {
  const { name, kind, version, changes = [], refused } = plan;
  const head = `${kind.padEnd(9)} ${name === "" ? "(no name)" : name}${version === undefined ? "" : `  version ${version}`}`;
  const reasons = refused.map(({ path, reason, remedy }) => `  ${path}: ${[reason, remedy].filter((text) => text !== "").join(" ")}`);
  // Nobody is affected by what does not change, or cannot.
  const effects =
    kind === "changed" || kind === "created" ? [...describeTable(plan), ...describeArchive(plan), ...describeConsumers(plan), ...describeOwner(plan)] : [];
  return [head, ...changes.map((change) => `  ${change}`), ...reasons, ...effects];
}

function describeTable({ table }: PlanDetail): readonly string[] {
  if (table === undefined || table.effect === "unchanged") return ["  table      as it is"];
  if (table.effect === "created") return ["  table      made with the first records"];
  const { files, rows, bytes } = table.rewritten;
  const again = `${files === 1 ? "1 file" : `${formatCount(files)} files`} (${rows === 1 ? "1 row" : `${formatCount(rows)} rows`}, ${formatBytes(bytes)})`;
  const nulls = table.null.map((field) => `${field} is null in rows that are there`);
  const filled = Object.entries(table.filled).map(([field, value]) => `${field} is ${JSON.stringify(value)} in rows that are there`);
  const costs = {
    metadata: "only metadata changes",
    rewrite: `${again} ${files === 1 ? "is" : "are"} written again, because a default that is not null is filled in`,
    rebuild: `stays as it is until it is built again for ${(table.rebuilt ?? []).join(", ")} and swapped in, in place of ${again}; apply it with --rebuild`,
  };
  return [costs[table.effect], ...filled, ...nulls].map((text, index) => `  ${(index === 0 ? "table" : "").padEnd(10)} ${text}`);
}

function describeArchive({ archive }: PlanDetail): readonly string[] {
  return archive === "unchanged" ? ["  archive    as it is; older records are read with the new fields' defaults"] : [];
}

function describeConsumers({ consumers = [], consumersLeftOut = 0 }: PlanDetail): readonly string[] {
  const own = consumers.filter(({ platform }) => !platform);
  if (own.length === 0) return [];
  const lines = own.map(({ group, lag }) => `${group}, ${lag === 0 ? "has read all" : `${formatCount(lag)} records behind`}`);
  return [...lines, ...(consumersLeftOut > 0 ? [`and ${formatCount(consumersLeftOut)} more groups`] : [])].map(
    (text, index) => `  ${(index === 0 ? "consumers" : "").padEnd(10)} ${text}`,
  );
}

function describeOwner({ owner }: PlanDetail): readonly string[] {
  if (owner === undefined || (owner.now ?? owner.next) === null) return [];
  return [`  owner      ${owner.now === null || owner.now === owner.next ? owner.next : `${owner.now}, then ${owner.next ?? "nobody"}`}`];
}
