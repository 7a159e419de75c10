import type { IncomingMessage, ServerResponse } from "node:http";
import type { Encoding, Format, Ingest } from "../ingest/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { parseBoolean, parseParameters } from "./parameters.ts";
import { readBody } from "./request-body.ts";

const formatOf: ReadonlyMap<string, Format> = new Map([
  ["application/json", "json"],
  ["application/x-ndjson", "ndjson"],
  ["application/ndjson", "ndjson"],
  ["application/jsonl", "ndjson"],
  ["application/x-jsonlines", "ndjson"],
]);

/** Names the dataset that continues this one: of answers to who sends to it, and of the records of one that is closed. */
export const successorHeader = "mainstem-successor";

export interface RecordsPostOptions {
  readonly ingest: Ingest;
  readonly idleMs: number;
  /** How long a body may take that is taken whole. */
  readonly wholeBodyMs: number;
}

/** `POST /v1/datasets/{name}/records`: the door. */
export function createRecordsPost({ ingest, idleMs, wholeBodyMs }: RecordsPostOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    { name, query, signal }: { name: string; query: string; signal: AbortSignal },
  ): Promise<void> => {
    const { invalid, atomic } = parseParameters(query, ["invalid", "atomic"], "ingest.parameter");
    if (invalid !== undefined && invalid !== "refuse" && invalid !== "inbox")
      throw new MainstemError("ingest.parameter", "The parameter invalid is refuse or inbox.", { parameter: "invalid" });
    const format = parseFormat(request);
    const idempotencyKey = singleHeader(request, "idempotency-key");
    const sentAt = singleHeader(request, "mainstem-sent-at");
    const bytes = Number(request.headers["content-length"] ?? 0);
    const wanted = {
      dataset: name,
      bytes,
      format,
      encoding: parseEncoding(request),
      invalid: invalid ?? "refuse",
      atomic: parseBoolean("atomic", atomic, "ingest.parameter"),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(sentAt === undefined ? {} : { sentAt }),
    } as const;
    const whole = format === "json" || wanted.atomic || idempotencyKey !== undefined;
    const onWanted = (): void => {
      // Only now: who asked before sending hears what is wrong with the request instead.
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    const body = readBody(request, { idleMs, onWanted, ...(whole ? { totalMs: wholeBodyMs } : {}) });
    const { records, accepted, quarantined, refused, refusedMore, successor } = await ingest.accept({ ...wanted, body }, { signal });
    const text = JSON.stringify({ accepted, quarantined, refused, ...(refusedMore === 0 ? {} : { refusedMore }) });
    const status = records > 0 && accepted + quarantined === 0 ? 422 : 200;
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      ...(successor === undefined ? {} : { [successorHeader]: successor }),
    });
    response.end(text);
  };
}

function parseFormat(request: IncomingMessage): Format {
  const given = request.headers["content-type"] ?? "";
  const known = formatOf.get(given);
  if (known !== undefined) return known;
  const [type = "", ...parameters] = given.split(";").map((part) => part.trim().toLowerCase());
  const format = formatOf.get(type);
  const charset = parameters
    .find((parameter) => parameter.startsWith("charset="))
    ?.slice("charset=".length)
    .replaceAll('"', "");
  if (format === undefined || (charset !== undefined && charset !== "utf-8" && charset !== "utf8"))
    throw new MainstemError("ingest.contentType", given === "" ? "The request has no Content-Type." : `Records cannot be read from ${given}.`, {
      contentType: given,
    });
  return format;
}

function parseEncoding(request: IncomingMessage): Encoding {
  const given = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (given === "identity" || given === "") return "identity";
  if (given === "gzip" || given === "x-gzip") return "gzip";
  throw new MainstemError("ingest.contentType", `Content-Encoding ${given} is not known here.`, { contentEncoding: given });
}

function singleHeader(request: IncomingMessage, name: string): string | undefined {
  // Node makes the distinct ones of all headers as soon as one is asked for.
  const values = request.headers[name] === undefined ? undefined : request.headersDistinct[name];
  if (values === undefined) return undefined;
  if (values.length > 1) throw new MainstemError("ingest.parameter", `The header ${name} is given more than once.`, { parameter: name });
  return values[0];
}
