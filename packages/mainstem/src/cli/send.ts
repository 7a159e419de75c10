import { extname } from "node:path";
import { parseContract } from "@mainstem/contract";
import { Command, InvalidArgumentError, Option } from "commander";
import type { DatasetDetail } from "./answers.ts";
import { path } from "./client.ts";
import type { Context, Start } from "./context.ts";
import { readCsvBatches } from "./csv/csv-batches.ts";
import { exitCodes, type ExitCode } from "./failure.ts";
import { cutLines, type LongLine } from "./line-batches.ts";
import type { RecordBatch } from "./record-batch.ts";
import { createRefusalCounter, describeGroup, type RefusalCounter, type Refused } from "./refusals.ts";
import { formats, openInput, type Format, type Input } from "./send-input.ts";
import { sendBatches, sendWhole, type SendJob, type Tally } from "./send-requests.ts";
import { formatCount } from "./text-table.ts";

/** NDJSON and CSV are sent in requests of about this size. */
const batchBytes = 4_000_000;
const lineBytesMax = 8_000_000;

interface SendOptions {
  readonly invalid: "refuse" | "inbox";
  readonly format?: Format;
  readonly delimiter?: string;
  readonly null: string;
}

/** `mainstem send NAME [FILE|-]` */
export function sendCommand(start: Start): Command {
  const command = new Command("send")
    .description("send records: NDJSON, CSV, a JSON array or one JSON object")
    .argument("<name>", "namespace.name")
    .argument("[file]", "the file, or - for standard input", "-")
    .addOption(new Option("--invalid <what>", "what happens to invalid records").choices(["refuse", "inbox"]).default("refuse"))
    .addOption(new Option("--format <format>", "the input's format; by default from its ending or first character").choices(formats))
    .option("--delimiter <character>", "between the fields of CSV, such as ';' or tab (default: a comma, in .tsv a tab)", parseDelimiter)
    .option("--null <text>", "what stands for null in CSV, without quotes", "")
    .addHelpText(
      "after",
      "\nCSV: the first line names the fields, their types come from the contract. Lines end with LF or CRLF; fields in double quotes may hold" +
        "\ndelimiters, line ends and doubled quotes; lists and objects are JSON. What cannot be read is refused by its line, and the rest goes on." +
        "\nAn empty field that is no text is null, or else the field's default." +
        "\nEnds with 1 if anything was refused. However it ends, it says what was sent; after Ctrl-C it first waits for the answer under way." +
        "\n\nExamples:\n  mainstem send shop.orders orders.ndjson\n  mainstem send shop.orders orders.csv\n  mainstem send shop.orders export.txt --format csv --delimiter ';' --null NULL" +
        "\n  cat orders.ndjson | mainstem send shop.orders\n  mainstem send shop.orders dirty.ndjson --invalid inbox",
    );
  return command.action((name: string, file: string, options: SendOptions) =>
    start(command, async (context) => {
      const input = await openInput(file, { format: options.format, dataset: name, signal: context.signal });
      const tally: Tally = { accepted: 0, quarantined: 0, unanswered: 0, refused: createRefusalCounter() };
      const job: SendJob = { name, invalid: options.invalid, bytesTotal: input.bytes, tally };
      try {
        await send(context, job, { input, file, options });
      } catch (error) {
        // Of what was sent before, everything is known and said; who ended it is told also that it was nothing.
        if (tally.unanswered !== 0 || total(tally) > 0 || context.signal.aborted) await report(context, { job, format: input.format, complete: false });
        throw error;
      }
      return await report(context, { job, format: input.format, complete: true });
    }),
  );
}

async function send(
  context: Context,
  job: SendJob,
  { input, file, options }: { readonly input: Input; readonly file: string; readonly options: SendOptions },
): Promise<void> {
  const { refused } = job.tally;
  switch (input.format) {
    case "ndjson":
      return await sendBatches(context, job, readLines(input.source, refused));
    case "json":
      return await sendWhole(context, job, { file, source: input.source });
    case "csv": {
      const { body } = await context.client.call({ path: path`/v1/datasets/${job.name}`, signal: context.signal });
      const { schema } = parseContract((body as DatasetDetail).contract);
      const delimiter = options.delimiter ?? (extname(file) === ".tsv" ? "\t" : ",");
      const limits = { batchBytes, recordBytesMax: lineBytesMax, onRefused: (one: Refused) => refused.add(one) };
      return await sendBatches(context, job, readCsvBatches(input.source, { dataset: job.name, schema, delimiter, nullText: options.null, ...limits }));
    }
    default:
      return input.format satisfies never;
  }
}

function readLines(source: AsyncIterable<Buffer>, counter: RefusalCounter): AsyncIterable<RecordBatch> {
  const onLongLine = ({ line, bytes }: LongLine): void => {
    const errors = [{ path: "", expected: `a line of at most ${lineBytesMax} bytes`, received: `${bytes} bytes` }];
    counter.add({ index: line, code: "ingest.tooLarge", errors });
  };
  return cutLines(source, { batchBytes, lineBytesMax, onLongLine });
}

function total({ accepted, quarantined, refused }: Tally): number {
  return accepted + quarantined + refused.tally().total;
}

interface Outcome {
  readonly job: SendJob;
  readonly format: Format;
  /** False where something ended it before the end of the input. */
  readonly complete: boolean;
}

async function report({ terminal, json }: Context, { job: { name, tally }, format, complete }: Outcome): Promise<ExitCode> {
  const { accepted, quarantined, unanswered } = tally;
  const refused = tally.refused.tally();
  if (json) {
    const causes = refused.groups.map(({ places, ...group }) => (format === "json" ? { ...group, indexes: places } : { ...group, lines: places }));
    const rest = complete ? {} : { complete, unanswered: unanswered ?? null };
    await terminal.line(JSON.stringify({ dataset: name, accepted, quarantined, refused: refused.total, causes, ...rest }));
  } else {
    const parts = [
      `${formatCount(accepted)} accepted`,
      ...(quarantined > 0 ? [`${formatCount(quarantined)} in the inbox`] : []),
      `${formatCount(refused.total)} refused`,
      ...(unanswered === 0 ? [] : [`${unanswered === undefined ? "what was under way" : formatCount(unanswered)} without an answer: stored or not`]),
    ];
    await terminal.line(`${name}: ${parts.join(", ")}${complete ? "" : "; the rest was not sent"}`);
    for (const group of refused.groups) await terminal.line(describeGroup(group, format === "json" ? "index" : "line"));
  }
  return refused.total > 0 ? exitCodes.failed : exitCodes.ok;
}

function parseDelimiter(text: string): string {
  const character = text === "tab" || text === "\\t" ? "\t" : text;
  if (!/^[\t\x20-\x7e]$/.test(character) || character === '"') throw new InvalidArgumentError("It must be one ASCII character other than a quote, or tab.");
  return character;
}
