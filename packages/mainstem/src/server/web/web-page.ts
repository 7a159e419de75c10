import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { MainstemError } from "../../runtime/errors.ts";
import { methodNotAllowed, notFound, sendProblem } from "../problem.ts";
import { notBuiltPage } from "./not-built.ts";

export interface WebPage {
  /** Whether the path is one of the page's. */
  serves(request: IncomingMessage): boolean;
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

interface WebFile {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer | undefined;
  readonly etag: string;
}

/** Those that the build makes; a file of any other kind is not served. */
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** Scripts come from this server alone. Mantine writes style elements at run time, which is all that is inline. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const webHeaders = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;
const indexPath = "/";
/** No name that leads out of the folder. */
const assetPath = /^\/assets\/[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;
/** Below that, gzip gains nothing. */
const zipBytesMin = 1_000;
const zip = promisify(gzip);

/**
 * Serves what the build of the web page left in `directory`: `/` and what lies under `assets/`. Nothing is read before somebody asks.
 *
 * Caching: assets carry a hash of their content in their names; browsers keep them for good, and so does this in memory. The page that names them is
 * asked for again each time, with an ETag.
 * Without a build `/` says what to do, as a page or as the problem `server.pageNotBuilt`.
 */
export function createWebPage(directory: string | undefined): WebPage {
  const assets = new Map<string, WebFile>();
  const read = async (path: string): Promise<WebFile | undefined> => {
    if (directory === undefined) return undefined;
    if (path === indexPath) return readWebFile(join(directory, "index.html"));
    const asset = assets.get(path) ?? (await readWebFile(join(directory, path.slice(1))));
    if (asset !== undefined) assets.set(path, asset);
    return asset;
  };
  return {
    serves: (request) => pathOf(request) === indexPath || assetPath.test(pathOf(request)),
    async answer(request, response) {
      const path = pathOf(request);
      try {
        if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(request.method ?? "", ["GET", "HEAD"]);
        const file = await read(path);
        if (file !== undefined) sendFile(request, response, { file, cacheControl: path === indexPath ? "no-cache" : "public, max-age=31536000, immutable" });
        else if (path === indexPath) sendNotBuilt(request, response);
        else throw notFound(path);
      } catch (error) {
        await sendProblem(request, response, error);
      }
    },
  };
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

async function readWebFile(file: string): Promise<WebFile | undefined> {
  const type = types[extname(file)];
  if (type === undefined) return undefined;
  let body: Buffer;
  try {
    body = await readFile(file);
  } catch {
    return undefined;
  }
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type, body, zipped: body.length < zipBytesMin ? undefined : await zip(body), etag };
}

function sendFile(request: IncomingMessage, response: ServerResponse, { file, cacheControl }: { readonly file: WebFile; readonly cacheControl: string }): void {
  const { type, body, zipped, etag } = file;
  const headers = { ...webHeaders, "cache-control": cacheControl, vary: "accept-encoding", etag };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const unzipped = zipped === undefined || !/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(request.headers["accept-encoding"] ?? "");
  const sent = unzipped ? body : zipped;
  response.writeHead(200, { ...headers, "content-type": type, "content-length": sent.length, ...(unzipped ? {} : { "content-encoding": "gzip" }) });
  response.end(request.method === "HEAD" ? undefined : sent);
}

function sendNotBuilt(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.accept?.includes("text/html") !== true) throw new MainstemError("server.pageNotBuilt", "The web page was not built.");
  const body = Buffer.from(notBuiltPage);
  response.writeHead(404, { ...webHeaders, "content-type": "text/html; charset=utf-8", "content-length": body.length, "cache-control": "no-store" });
  response.end(request.method === "HEAD" ? undefined : body);
}
