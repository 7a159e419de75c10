import { Command } from "commander";
import type { DatasetSummary } from "./answers.ts";
import { path } from "./client.ts";
import { print, printList, type Context, type Start } from "./context.ts";
import { CliFailure, exitCodes } from "./failure.ts";
import { previewCommand, retryCommand } from "./inbox-fix.ts";
import { readGroups, type GroupDetail } from "./inbox-groups.ts";
import { examples, leaf, selecting, toSelection, type SelectionOptions } from "./inbox-selection.ts";
import { toPrintable } from "./terminal.ts";
import { formatCount, formatCounted, formatTable } from "./text-table.ts";

interface EntrySummary {
  readonly id: string;
  readonly from: string;
  readonly code: string;
  readonly errors: readonly { readonly path: string; readonly expected: string; readonly received: string }[];
  readonly contractVersion: number;
  readonly time: string;
}
interface EntryDetail extends EntrySummary {
  readonly original: string | null;
}
/** `mainstem inbox list|show|preview|retry|drop NAME` */
export function inboxCommand(start: Start): Command {
  const command = new Command("inbox")
    .description("records that could not be processed: look at them, mend them, send them again, or give them up")
    .addHelpText(
      "after",
      `
Examples:
  mainstem inbox list shop.orders
  mainstem inbox preview shop.orders --group 0a1b2c3d4e5f --transform "merge(record, {'amount': '0.00'})"
  mainstem inbox preview shop.orders --group 0a1b2c3d4e5f --transform-file mend.ts
  mainstem inbox retry --help

What mends is an expression of the Common Expression Language (CEL), or a function in a TypeScript or JavaScript module that runs here; see
\`mainstem inbox preview --help\`.`,
    );
  const add = (sub: Command): Command => {
    command.addCommand(sub);
    return sub;
  };
  const list = add(
    new Command("list").description("what waits, by cause; of one cause, each entry").argument("[name]", "namespace.name; all datasets without it"),
  )
    .option("--group <group>", "the entries of this cause, one by one, the oldest 10,000")
    .addHelpText("after", examples("mainstem inbox list", "mainstem inbox list shop.orders", "mainstem inbox list shop.orders --group 0a1b2c3d4e5f"));
  list.action((name: string | undefined, { group }: { readonly group?: string }) =>
    start(list, (context) => {
      if (group === undefined) return name === undefined ? showAllGroups(context) : showGroups(context, name);
      if (name === undefined)
        throw new CliFailure("cli.usage", "Say of which dataset.", { remedy: "Give its name beside --group.", exitCode: exitCodes.usage });
      return showEntries(context, name, group);
    }),
  );
  const show = add(leaf("show", "one entry, with its original bytes").argument("<id>", "the entry, as `inbox list NAME --group GROUP` names it"));
  show.addHelpText("after", examples("mainstem inbox show shop.orders door/6f1c0a9b/12"));
  show.action((name: string, id: string) => start(show, (context) => showEntry(context, name, id)));
  add(previewCommand(start));
  add(retryCommand(start));
  const drop = add(selecting("drop", "give entries up; the reason is kept"))
    .requiredOption("--reason <text>", "why nobody needs them")
    .addHelpText("after", examples('mainstem inbox drop shop.orders --id door/6f1c0a9b/12 --reason "a test of the supplier"'));
  drop.action((name: string, options: SelectionOptions & { readonly reason: string }) =>
    start(drop, async (context) => {
      const { client, signal } = context;
      const body = { ...toSelection(options), reason: options.reason };
      const answer = await client.call({ method: "POST", path: path`/v1/datasets/${name}/inbox/drop`, body, signal });
      await print(context, answer.body as { readonly dropped: number }, ({ dropped }) => [`${formatCounted(dropped, "entry", "entries")} of ${name} dropped.`]);
    }),
  );
  return command;
}

async function showGroups(context: Context, name: string): Promise<void> {
  const { groups, more } = await readGroups(context, name);
  if (more && !context.json) context.terminal.say("More wait than are counted here: mend or drop these first.");
  await printList(context, groups, (all) => {
    if (all.length === 0) return [`Nothing waits in the inbox of ${name}.`];
    return table(context, ["group", "entries", "from", "cause", "path", "expected", "last"], all.map(toRow));
  });
}

async function showAllGroups(context: Context): Promise<void> {
  const { body } = await context.client.call({ path: "/v1/datasets", signal: context.signal });
  const waiting: (GroupDetail & { readonly dataset: string })[] = [];
  for (const { name } of (body as { readonly datasets: readonly DatasetSummary[] }).datasets) {
    waiting.push(...(await readGroups(context, name)).groups.map((group) => ({ dataset: name, ...group })));
  }
  await printList(context, waiting, (all) => {
    if (all.length === 0) return ["Nothing waits in any inbox."];
    return table(
      context,
      ["dataset", "group", "entries", "from", "cause", "path", "expected", "last"],
      all.map((one) => [one.dataset, ...toRow(one)]),
    );
  });
}

function toRow(one: GroupDetail): readonly string[] {
  return [one.group, formatCount(one.count), one.from, one.code, one.path, one.expected, one.last];
}

async function showEntries(context: Context, name: string, group: string): Promise<void> {
  const { body } = await context.client.call({ path: path`/v1/datasets/${name}/inbox/entries`, query: { group, limit: "10000" }, signal: context.signal });
  const { entries } = body as { readonly entries: readonly EntrySummary[] };
  await printList(context, entries, (all) =>
    table(
      context,
      ["id", "path", "received", "time"],
      all.map(({ id, errors: [first], time }) => [id, first?.path ?? "", first?.received ?? "", time]),
    ),
  );
}

/** Of these other commands are given. */
const typedAgain: ReadonlySet<string> = new Set(["dataset", "group", "id"]);

function table({ terminal: { width } }: Context, titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const columns = titles.map((title) => ({ title, align: title === "entries" ? ("right" as const) : ("left" as const), keep: typedAgain.has(title) }));
  return formatTable(columns, rows, { width });
}

async function showEntry(context: Context, name: string, id: string): Promise<void> {
  const { body } = await context.client.call({ path: path`/v1/datasets/${name}/inbox/entry`, query: { id }, signal: context.signal });
  await print(context, body as EntryDetail, (entry) => [
    `${entry.id}: ${entry.code}, from ${entry.from} at ${entry.time}, judged by version ${entry.contractVersion} of the contract`,
    ...entry.errors.map((error) => `  ${error.path === "" ? "the record" : error.path}: expected ${error.expected}, received ${toPrintable(error.received)}`),
    entry.original === null ? "(no value)" : toPrintable(Buffer.from(entry.original, "base64").toString()),
  ]);
}
