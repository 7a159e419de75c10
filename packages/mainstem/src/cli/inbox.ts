import { Command } from "commander";
import { readDeclarations, sayNotes } from "./contract-files.ts";
import { path } from "./client.ts";
import { print, printList, type Context, type Start } from "./context.ts";
import type { DatasetSummary } from "./answers.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { toPrintable } from "./terminal.ts";
import { formatCount, formatCounted, formatTable } from "./text-table.ts";

interface SelectionOptions {
  readonly group?: string;
  readonly id?: string;
  readonly all?: boolean;
}

interface GroupDetail {
  readonly group: string;
  readonly from: string;
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  readonly example: string;
}
interface GroupsDetail {
  readonly groups: readonly GroupDetail[];
  readonly entries: number;
  readonly more: boolean;
}
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
interface OutcomeDetail {
  readonly selected: number;
  readonly accepted: number;
  readonly refused: number;
  readonly samples: readonly { readonly id: string; readonly record?: unknown; readonly code?: string }[];
  readonly reasons: readonly { readonly code: string; readonly path: string; readonly expected: string; readonly received: string; readonly count: number }[];
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
  mainstem inbox retry --help

A transform is an expression of the Common Expression Language (CEL) whose value is the mended record.`,
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
  const preview = add(selecting("preview", "what a fix would make of entries; sends nothing"))
    .option("--transform <cel>", "the mended record as an expression of `record`")
    .option("--contract <file>", "a file with the dataset's next contract, as for apply")
    .addHelpText(
      "after",
      examples(
        `mainstem inbox preview shop.orders --group 0a1b2c3d4e5f --transform "merge(record, {'amount': '0.00'})"`,
        "mainstem inbox preview shop.orders --all --contract orders.ts",
      ),
    );
  preview.action((name: string, options: SelectionOptions & { readonly transform?: string; readonly contract?: string }) =>
    start(preview, (context) => previewFix(context, name, options)),
  );
  const retry = add(selecting("retry", "send entries through the door again; those that are accepted leave the inbox"))
    .option("--transform <cel>", "the mended record as an expression of `record`")
    .addHelpText("after", examples(`mainstem inbox retry shop.orders --group 0a1b2c3d4e5f --transform "rename(record, 'Total', 'amount')"`));
  retry.action((name: string, options: SelectionOptions & { readonly transform?: string }) => start(retry, (context) => retryEntries(context, name, options)));
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

function leaf(verb: string, description: string): Command {
  return new Command(verb).description(description).argument("<name>", "namespace.name");
}

function selecting(verb: string, description: string): Command {
  return leaf(verb, description)
    .option("--group <group>", "the entries of one cause, as `inbox list` shows them")
    .option("--id <id>", "one entry")
    .option("--all", "every entry that waits");
}

function examples(...lines: readonly string[]): string {
  return ["\nExamples:", ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Exactly one of them: nobody drops everything by leaving a word out. */
function toSelection({ group, id, all }: SelectionOptions): SelectionOptions {
  if ([group, id, all].filter((one) => one !== undefined).length !== 1)
    throw new CliFailure("cli.usage", "Say which entries.", { remedy: "Give one of --group, --id or --all.", exitCode: exitCodes.usage });
  return { ...(group === undefined ? {} : { group }), ...(id === undefined ? {} : { id }), ...(all === undefined ? {} : { all }) };
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

async function readGroups({ client, signal }: Context, name: string): Promise<GroupsDetail> {
  return (await client.call({ path: path`/v1/datasets/${name}/inbox`, signal })).body as GroupsDetail;
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

function table({ terminal: { width } }: Context, titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const columns = titles.map((title) => ({ title, align: title === "entries" ? ("right" as const) : ("left" as const) }));
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

async function previewFix(
  context: Context,
  name: string,
  options: SelectionOptions & { readonly transform?: string; readonly contract?: string },
): Promise<ExitCode> {
  const { client, signal } = context;
  const contract = options.contract === undefined ? {} : { contract: await contractOf(context, name, options.contract) };
  const transform = options.transform === undefined ? {} : { transform: options.transform };
  const request = { ...toSelection(options), ...transform, ...contract };
  const { body } = await client.call({ method: "POST", path: path`/v1/datasets/${name}/inbox/preview`, body: request, signal });
  const outcome = body as OutcomeDetail;
  await print(context, outcome, () => [
    `${formatCount(outcome.accepted)} of ${formatCounted(outcome.selected, "entry", "entries")} would be accepted.`,
    ...outcome.samples.filter(({ code }) => code === undefined).map(({ record }) => `  ${toPrintable(JSON.stringify(record))}`),
    ...showReasons(outcome),
  ]);
  return outcome.refused === 0 ? exitCodes.ok : exitCodes.failed;
}

async function retryEntries(context: Context, name: string, options: SelectionOptions & { readonly transform?: string }): Promise<ExitCode> {
  const { client, signal, terminal } = context;
  const request = { ...toSelection(options), ...(options.transform === undefined ? {} : { transform: options.transform }) };
  terminal.progress("retrying …");
  const { body } = await client.call({ method: "POST", path: path`/v1/datasets/${name}/inbox/retry`, body: request, signal });
  const outcome = body as OutcomeDetail;
  await print(context, outcome, () => [
    `${formatCount(outcome.accepted)} of ${formatCounted(outcome.selected, "entry", "entries")} accepted; what is accepted has left the inbox.`,
    ...showReasons(outcome),
  ]);
  return outcome.refused === 0 ? exitCodes.ok : exitCodes.failed;
}

function showReasons({ refused, reasons }: OutcomeDetail): readonly string[] {
  if (refused === 0) return [];
  const line = ({ count, code, path: place, expected, received }: OutcomeDetail["reasons"][number]): string =>
    `  ${formatCount(count)} ${code}${place === "" ? "" : ` at ${place}`}: ${expected === "" ? "" : `expected ${expected}, received `}${toPrintable(received)}`;
  return [`${formatCount(refused)} ${refused === 1 ? "stays" : "stay"} in the inbox:`, ...reasons.map(line)];
}

async function contractOf(context: Context, name: string, file: string): Promise<unknown> {
  const declarations = await readDeclarations(file);
  sayNotes(context, declarations);
  const found = declarations.find((one) => one.name === name);
  if (found === undefined) throw new CliFailure("cli.file", `${file} does not declare ${name}.`, { remedy: "Name the file of that dataset's next contract." });
  return found.contract;
}
