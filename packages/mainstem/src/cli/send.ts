import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { parseContract } from "@mainstem/contract";
import { Command, InvalidArgumentError, Option } from "commander";
import type { DatasetDetail } from "./answers.ts";
import { path } from "./client.ts";
import type { Context, Start } from "./context.ts";
import { readCsvBatches } from "./csv/csv-batches.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { cutLines } from "./line-batches.ts";
import type { RecordBatch } from "./record-batch.ts";
import { createRefusalCounter, describeGroup, type Receipt, type RefusalCounter, type RefusalTally, type Refused } from "./refusals.ts";
import { formatBytes, formatCount } from "./text-table.ts";

/** NDJSON and CSV are sent in requests of about this size, each with its own idempotency key, so that repeating one can add nothing twice. */
const batchBytes = 4_000_000;
const lineBytesMax = 8_000_000;
const attemptsMax = 6;
const retryableStatuses: ReadonlySet<string> = new Set([
  "cli.noServer",
  "cli.connection",
  "ingest.overloaded",
  "ingest.keyBusy",
  "log.full",
  "log.writeFailed",
]);

interface Sent {
  accepted: number;
  quarantined: number;
  refused: RefusalTally;
}

const formats = ["ndjson", "json", "csv"] as const;
type Format = (typeof formats)[number];

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
        "\nEnds with 1 if anything was refused." +
        "\n\nExamples:\n  mainstem send shop.orders orders.ndjson\n  mainstem send shop.orders orders.csv\n  mainstem send shop.orders export.txt --format csv --delimiter ';' --null NULL" +
        "\n  cat orders.ndjson | mainstem send shop.orders\n  mainstem send shop.orders dirty.ndjson --invalid inbox",
    );
  return command.action((name: string, file: string, options: SendOptions) =>
    start(command, async (context) => {
      const input = await openInput(file);
      const { format, source } = await recogniseFormat(input.source, { file, format: options.format });
      const job = { name, invalid: options.invalid, source, bytesTotal: input.bytes };
      return report(context, { name, format, sent: await send(context, job, { format, file, options }) });
    }),
  );
}

interface SendJob {
  readonly name: string;
  readonly invalid: "refuse" | "inbox";
  readonly source: AsyncIterable<Buffer>;
  readonly bytesTotal: number | undefined;
}

async function send(
  context: Context,
  job: SendJob,
  { format, file, options }: { readonly format: Format; readonly file: string; readonly options: SendOptions },
): Promise<Sent> {
  const counter = createRefusalCounter();
  switch (format) {
    case "ndjson":
      return await sendBatches(context, job, { counter, batches: readLines(job.source, counter) });
    case "json":
      return await sendWhole(context, job);
    case "csv": {
      const { body } = await context.client.call({ path: path`/v1/datasets/${job.name}`, signal: context.signal });
      const { schema } = parseContract((body as DatasetDetail).contract);
      const delimiter = options.delimiter ?? (extname(file) === ".tsv" ? "\t" : ",");
      const limits = { batchBytes, recordBytesMax: lineBytesMax, onRefused: (refused: Refused) => counter.add(refused) };
      const batches = readCsvBatches(job.source, { dataset: job.name, schema, delimiter, nullText: options.null, ...limits });
      return await sendBatches(context, job, { counter, batches });
    }
    default:
      return format satisfies never;
  }
}

function readLines(source: AsyncIterable<Buffer>, counter: RefusalCounter): AsyncIterable<RecordBatch> {
  const onLongLine = ({ index, bytes }: { readonly index: number; readonly bytes: number }): void => {
    const errors = [{ path: "", expected: `a line of at most ${lineBytesMax} bytes`, received: `${bytes} bytes` }];
    counter.add({ index, code: "ingest.tooLarge", errors });
  };
  return cutLines(source, { batchBytes, lineBytesMax, onLongLine });
}

async function sendBatches(
  context: Context,
  { name, invalid, bytesTotal }: SendJob,
  { counter, batches }: { readonly counter: RefusalCounter; readonly batches: AsyncIterable<RecordBatch> },
): Promise<Sent> {
  const sent: Sent = { accepted: 0, quarantined: 0, refused: counter.tally() };
  const run = randomUUID();
  let bytes = 0;
  let requests = 0;
  for await (const batch of batches) {
    const receipt = await post(context, {
      path: path`/v1/datasets/${name}/records`,
      query: invalid === "inbox" ? { invalid } : {},
      headers: { "content-type": "application/x-ndjson", "idempotency-key": `${run}-${requests++}` },
      body: batch.bytes,
    });
    sent.accepted += receipt.accepted;
    sent.quarantined += receipt.quarantined;
    counter.addAll(receipt, batch);
    bytes += batch.sourceBytes;
    sent.refused = counter.tally();
    const share = bytesTotal === undefined ? "" : ` of ${formatBytes(bytesTotal)}`;
    context.terminal.progress(
      `${name}: ${formatBytes(bytes)}${share} sent, ${formatCount(sent.accepted)} accepted, ${formatCount(sent.refused.total)} refused`,
    );
  }
  return { ...sent, refused: counter.tally() };
}

/** One request for one JSON document: the server reads it as it comes, so it cannot be repeated. */
async function sendWhole(context: Context, { name, invalid, source }: SendJob): Promise<Sent> {
  const counter = createRefusalCounter();
  const { body } = await context.client.call({
    method: "POST",
    path: path`/v1/datasets/${name}/records`,
    query: invalid === "inbox" ? { invalid } : {},
    headers: { "content-type": "application/json" },
    body: Readable.from(source),
    accept: [422],
    signal: context.signal,
  });
  const receipt = toReceipt(body);
  counter.addAll(receipt, { placeOf: (index) => index });
  return { accepted: receipt.accepted, quarantined: receipt.quarantined, refused: counter.tally() };
}

interface Post {
  readonly path: string;
  readonly query: { readonly invalid?: "inbox" };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Repeats a request that may have been lost; its idempotency key makes that safe. */
async function post(context: Context, request: Post): Promise<Receipt> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { body } = await context.client.call({ method: "POST", ...request, accept: [422], signal: context.signal });
      return toReceipt(body);
    } catch (error) {
      const repeatable = error instanceof CliFailure && retryableStatuses.has(error.code);
      // When nothing was sent yet a missing server is a mistake, not a disturbance.
      if (
        !repeatable ||
        attempt >= attemptsMax ||
        (attempt === 1 && error.code === "cli.noServer" && request.headers["idempotency-key"]?.endsWith("-0") === true)
      )
        throw error;
      context.terminal.progress(`${error.message} Trying again (${attempt} of ${attemptsMax - 1}) …`);
      await sleep(250 * 2 ** attempt, undefined, { signal: context.signal });
    }
  }
}

/** A 422 is a receipt when there were records and none was taken, otherwise a problem. */
function toReceipt(body: unknown): Receipt {
  if (typeof body === "object" && body !== null && "accepted" in body && "refused" in body) return body as Receipt;
  const {
    code = "http.422",
    detail = "The server answered 422.",
    remedy,
  } = (body ?? {}) as { readonly code?: string; readonly detail?: string; readonly remedy?: string };
  throw new CliFailure(code, detail, { remedy });
}

async function report(context: Context, { name, format, sent }: { readonly name: string; readonly format: Format; readonly sent: Sent }): Promise<ExitCode> {
  const { accepted, quarantined, refused } = sent;
  const causes = format === "csv" ? refused.groups.map(({ indexes: lines, ...group }) => ({ ...group, lines })) : refused.groups;
  if (context.json) await context.terminal.line(JSON.stringify({ dataset: name, accepted, quarantined, refused: refused.total, causes }));
  else {
    const parts = [
      `${formatCount(accepted)} accepted`,
      ...(quarantined > 0 ? [`${formatCount(quarantined)} in the inbox`] : []),
      `${formatCount(refused.total)} refused`,
    ];
    await context.terminal.line(`${name}: ${parts.join(", ")}`);
    for (const group of refused.groups) await context.terminal.line(describeGroup(group, format === "csv" ? "line" : "record"));
  }
  return refused.total > 0 ? exitCodes.failed : exitCodes.ok;
}

async function openInput(file: string): Promise<{ readonly source: AsyncIterable<Buffer>; readonly bytes: number | undefined }> {
  if (file === "-") return { source: process.stdin, bytes: undefined };
  try {
    const { size } = await stat(file);
    return { source: createReadStream(file, { highWaterMark: 1 << 20 }), bytes: size };
  } catch (cause) {
    throw new CliFailure("cli.file", `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function parseDelimiter(text: string): string {
  const character = text === "tab" || text === "\\t" ? "\t" : text;
  if (!/^[\t\x20-\x7e]$/.test(character) || character === '"') throw new InvalidArgumentError("It must be one ASCII character other than a quote, or tab.");
  return character;
}

/** NDJSON unless the input says otherwise: an ending in .csv or .tsv, a `[` first is an array, a file that ends in .json and begins with `{` is one object. */
async function recogniseFormat(
  source: AsyncIterable<Buffer>,
  { file, format }: { readonly file: string; readonly format: Format | undefined },
): Promise<{ readonly format: Format; readonly source: AsyncIterable<Buffer> }> {
  if (format !== undefined) return { format, source };
  if (extname(file) === ".csv" || extname(file) === ".tsv") return { format: "csv", source };
  const reader = source[Symbol.asyncIterator]();
  const { value: first } = (await reader.next()) as { readonly value: Buffer | undefined };
  const beginning = /\S/.exec(first?.toString("latin1", 0, 4_096) ?? "")?.[0];
  const recognised = beginning === "[" || extname(file) === ".json" ? "json" : "ndjson";
  return { format: recognised, source: again(first, reader) };
}

async function* again(first: Buffer | undefined, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first !== undefined) yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
