import { Option, type Command } from "commander";
import { path } from "./client.ts";
import { print, type Context, type Start } from "./context.ts";
import { readDeclarations, sayNotes } from "./contract-files.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { readGroups } from "./inbox-groups.ts";
import { examples, selecting, toSelection, type SelectionOptions } from "./inbox-selection.ts";
import { mendEntries, type MendJob, type MendTally } from "./mend-entries.ts";
import { createOutcomeSum, showReasons, type OutcomeDetail } from "./outcome.ts";
import { toPrintable } from "./terminal.ts";
import { formatCount, formatCounted } from "./text-table.ts";
import { readTransform } from "./transform-file.ts";

interface FixOptions extends SelectionOptions {
  readonly transform?: string;
  readonly transformFile?: string;
  readonly contract?: string;
}

const aboutFiles = `
The module runs here, with this command, and exports its function by default: (record, entry) => the mended record, or a promise of it. The entry has
id, from, code, errors, contractVersion and time. What the function throws fails that entry alone; for undefined the entry stays as it is. Whole
numbers beyond 2^53 are bigints.`;

/** `mainstem inbox preview NAME` */
export function previewCommand(start: Start): Command {
  const command = mending(selecting("preview", "what a fix would make of entries; sends nothing"))
    .option("--contract <file>", "a file with the dataset's next contract, as for apply")
    .addHelpText(
      "after",
      aboutFiles +
        "\n" +
        examples(
          `mainstem inbox preview shop.orders --group 0a1b2c3d4e5f --transform "merge(record, {'amount': '0.00'})"`,
          "mainstem inbox preview shop.orders --group 0a1b2c3d4e5f --transform-file mend.ts",
          "mainstem inbox preview shop.orders --all --contract orders.ts",
        ),
    );
  return command.action((name: string, options: FixOptions) => start(command, (context) => previewFix(context, name, options)));
}

/** `mainstem inbox retry NAME` */
export function retryCommand(start: Start): Command {
  const command = mending(selecting("retry", "send entries through the door again; those that are accepted leave the inbox")).addHelpText(
    "after",
    aboutFiles +
      "\n" +
      examples(
        `mainstem inbox retry shop.orders --group 0a1b2c3d4e5f --transform "rename(record, 'Total', 'amount')"`,
        "mainstem inbox retry shop.orders --group 0a1b2c3d4e5f --transform-file mend.ts",
      ),
  );
  return command.action((name: string, options: FixOptions) => start(command, (context) => retryEntries(context, name, options)));
}

function mending(command: Command): Command {
  return command
    .option("--transform <cel>", "the mended record as an expression of `record`")
    .addOption(new Option("--transform-file <file>", "a TypeScript or JavaScript module whose default export makes the mended record").conflicts("transform"));
}

async function previewFix(context: Context, name: string, options: FixOptions): Promise<ExitCode> {
  const selection = toSelection(options);
  const contract = options.contract === undefined ? undefined : await contractOf(context, name, options.contract);
  const outcome =
    options.transformFile === undefined
      ? await ask(context, { name, action: "preview", request: { ...selection, transform: options.transform, contract } })
      : await mend(context, { name, action: "preview", selection, file: options.transformFile, contract });
  await print(context, outcome, () => [
    `${formatCount(outcome.accepted)} of ${formatCounted(outcome.selected, "entry", "entries")} would be accepted.`,
    ...outcome.samples.filter(({ code }) => code === undefined).map(({ record }) => `  ${toPrintable(JSON.stringify(record))}`),
    ...showReasons(outcome),
  ]);
  return outcome.refused === 0 ? exitCodes.ok : exitCodes.failed;
}

async function retryEntries(context: Context, name: string, options: FixOptions): Promise<ExitCode> {
  const selection = toSelection(options);
  const tally: MendTally = { sum: createOutcomeSum(), unanswered: 0 };
  if (options.transformFile === undefined) {
    context.terminal.progress("retrying …");
    tally.sum.add(await ask(context, { name, action: "retry", request: { ...selection, transform: options.transform } }));
  } else {
    try {
      await mend(context, { name, action: "retry", selection, file: options.transformFile, contract: undefined, tally });
    } catch (error) {
      // Of what was sent before, everything is known and said.
      if (tally.unanswered > 0 || tally.sum.outcome().selected > 0) await reportRetry(context, tally, { complete: false });
      throw error;
    }
  }
  return await reportRetry(context, tally, { complete: true });
}

async function reportRetry(context: Context, { sum, unanswered }: MendTally, { complete }: { readonly complete: boolean }): Promise<ExitCode> {
  const outcome = sum.outcome();
  const entries = formatCounted(outcome.selected, "entry", "entries");
  await print(context, { ...outcome, ...(complete ? {} : { complete, unanswered }) }, () => [
    `${formatCount(outcome.accepted)} of ${entries} accepted; what is accepted has left the inbox.`,
    ...showReasons(outcome),
    ...(unanswered > 0 ? [`${formatCounted(unanswered, "entry", "entries")} sent, without an answer: accepted or not.`] : []),
    ...(complete ? [] : ["It ended before the last entry. Give it again for the rest: nothing comes into the log twice."]),
  ]);
  return outcome.refused === 0 ? exitCodes.ok : exitCodes.failed;
}

async function ask(
  { client, signal }: Context,
  { name, action, request }: { readonly name: string; readonly action: MendJob["action"]; readonly request: Readonly<Record<string, unknown>> },
): Promise<OutcomeDetail> {
  const { body } = await client.call({ method: "POST", path: path`/v1/datasets/${name}/inbox/${action}`, body: request, signal });
  return body as OutcomeDetail;
}

async function mend(
  context: Context,
  {
    file,
    tally = { sum: createOutcomeSum(), unanswered: 0 },
    ...job
  }: Omit<MendJob, "transform" | "total" | "tally"> & { readonly file: string; readonly tally?: MendTally },
): Promise<OutcomeDetail> {
  const transform = await readTransform(file);
  await mendEntries(context, { ...job, transform, total: await countOf(context, job), tally });
  return tally.sum.outcome();
}

/** For the bar alone: what waits is counted where somebody sees it. */
async function countOf(context: Context, { name, selection }: Pick<MendJob, "name" | "selection">): Promise<number | undefined> {
  if (context.terminal.progressWidth === undefined) return undefined;
  if ("id" in selection) return 1;
  const { groups, entries } = await readGroups(context, name);
  return "group" in selection ? groups.find(({ group }) => group === selection["group"])?.count : entries;
}

async function contractOf(context: Context, name: string, file: string): Promise<unknown> {
  const declarations = await readDeclarations(file);
  sayNotes(context, declarations);
  const found = declarations.find((one) => one.name === name);
  if (found === undefined) throw new CliFailure("cli.file", `${file} does not declare ${name}.`, { remedy: "Name the file of that dataset's next contract." });
  return found.contract;
}
