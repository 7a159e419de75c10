import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { path } from "./client.ts";
import type { Context, Start } from "./context.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { cutLines } from "./line-batches.ts";
import { createRefusalCounter, describeGroup, type Receipt, type RefusalTally } from "./refusals.ts";
import { formatBytes, formatCount } from "./text-table.ts";

/** NDJSON is sent in requests of about this size, each with its own idempotency key, so that repeating one can add nothing twice. */
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
  bytes: number;
}

type Format = "ndjson" | "json";

/** `mainstem send NAME [FILE|-]` */
export function sendCommand(start: Start): Command {
  const command = new Command("send")
    .description("send records: NDJSON, a JSON array or one JSON object")
    .argument("<name>", "namespace.name")
    .argument("[file]", "the file, or - for standard input", "-")
    .addOption(new Option("--invalid <what>", "what happens to invalid records").choices(["refuse", "inbox"]).default("refuse"))
    .addOption(new Option("--format <format>", "the input's format; by default from its ending or first character").choices(["ndjson", "json"]))
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem send shop.orders orders.ndjson\n  cat orders.ndjson | mainstem send shop.orders\n  mainstem send shop.orders dirty.ndjson --invalid inbox",
    );
  return command.action((name: string, file: string, options: { readonly invalid: "refuse" | "inbox"; readonly format?: Format }) =>
    start(command, async (context) => {
      const input = await openInput(file);
      const { format, source } = await recogniseFormat(input.source, { file, format: options.format });
      const job = { name, invalid: options.invalid, source, bytesTotal: input.bytes };
      const sent = format === "ndjson" ? await sendLines(context, job) : await sendWhole(context, job);
      return report(context, { name, sent });
    }),
  );
}

interface SendJob {
  readonly name: string;
  readonly invalid: "refuse" | "inbox";
  readonly source: AsyncIterable<Buffer>;
  readonly bytesTotal: number | undefined;
}

async function sendLines(context: Context, { name, invalid, source, bytesTotal }: SendJob): Promise<Sent> {
  const counter = createRefusalCounter();
  const sent: Sent = { accepted: 0, quarantined: 0, refused: counter.tally(), bytes: 0 };
  const run = randomUUID();
  let offset = 0;
  let requests = 0;
  const onLongLine = ({ index, bytes }: { readonly index: number; readonly bytes: number }): void => {
    const errors = [{ path: "", expected: `a line of at most ${lineBytesMax} bytes`, received: `${bytes} bytes` }];
    counter.add({ index, code: "ingest.tooLarge", errors }, { offset: 0 });
  };
  for await (const batch of cutLines(source, { batchBytes, lineBytesMax, onLongLine })) {
    const receipt = await post(context, {
      path: path`/v1/datasets/${name}/records`,
      query: invalid === "inbox" ? { invalid } : {},
      headers: { "content-type": "application/x-ndjson", "idempotency-key": `${run}-${requests++}` },
      body: batch.bytes,
    });
    sent.accepted += receipt.accepted;
    sent.quarantined += receipt.quarantined;
    counter.addAll(receipt, { offset });
    offset += batch.records;
    sent.bytes += batch.bytes.length;
    sent.refused = counter.tally();
    const share = bytesTotal === undefined ? "" : ` of ${formatBytes(bytesTotal)}`;
    context.terminal.progress(
      `${name}: ${formatBytes(sent.bytes)}${share} sent, ${formatCount(sent.accepted)} accepted, ${formatCount(sent.refused.total)} refused`,
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
  counter.addAll(receipt, { offset: 0 });
  return { accepted: receipt.accepted, quarantined: receipt.quarantined, refused: counter.tally(), bytes: 0 };
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

async function report(context: Context, { name, sent }: { readonly name: string; readonly sent: Sent }): Promise<ExitCode> {
  const { accepted, quarantined, refused } = sent;
  if (context.json) await context.terminal.line(JSON.stringify({ dataset: name, accepted, quarantined, refused: refused.total, causes: refused.groups }));
  else {
    const parts = [
      `${formatCount(accepted)} accepted`,
      ...(quarantined > 0 ? [`${formatCount(quarantined)} in the inbox`] : []),
      `${formatCount(refused.total)} refused`,
    ];
    await context.terminal.line(`${name}: ${parts.join(", ")}`);
    for (const group of refused.groups) await context.terminal.line(describeGroup(group));
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

/** NDJSON unless the input says otherwise: a `[` first is an array, a file that ends in .json and begins with `{` is one object. */
async function recogniseFormat(
  source: AsyncIterable<Buffer>,
  { file, format }: { readonly file: string; readonly format: Format | undefined },
): Promise<{ readonly format: Format; readonly source: AsyncIterable<Buffer> }> {
  if (format !== undefined) return { format, source };
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
