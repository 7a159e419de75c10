import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { MainstemError } from "../runtime/errors.ts";
import { isLoopback } from "../runtime/loopback.ts";

export { isLoopback } from "../runtime/loopback.ts";

/**
 * Checks `Authorization: Bearer` against the server's token, or the password of `Basic` (with any user), which is all that some clients of
 * schema registries can send; undefined lets everybody in. Takes the same time for every wrong token.
 */
export function createGuard(token: string | undefined): (request: IncomingMessage) => void {
  if (token === undefined) return () => undefined;
  const expected = digest(token);
  return (request) => {
    const header = request.headers.authorization ?? "";
    const given = /^Bearer +(\S+) *$/i.exec(header)?.[1] ?? passwordOf(header);
    if (given === undefined || !timingSafeEqual(digest(given), expected))
      throw new MainstemError("server.unauthorized", "The server's token is missing or wrong.");
  };
}

/**
 * For a server without a token: refuses requests that call it by a name that is not this machine's own (`server.hostRefused`). A web page could
 * otherwise give its name the address 127.0.0.1 and have the browser of whoever visits it read and write here (DNS rebinding).
 */
export function createHostCheck({ token }: { readonly token?: string | undefined }): (request: IncomingMessage) => void {
  if (token !== undefined) return () => undefined;
  // Nearly every request has the same.
  let good: string | undefined;
  return ({ headers: { host } }) => {
    if (host === undefined || host === good) return;
    const name = /^(.*?)(?::\d*)?$/.exec(host)?.[1] ?? "";
    if (!isLoopback(name)) throw new MainstemError("server.hostRefused", "The server has no token, so it answers only under names of this machine.");
    good = host;
  };
}

/** Source: RFC 7617. */
function passwordOf(header: string): string | undefined {
  const encoded = /^Basic +(\S+) *$/i.exec(header)?.[1];
  return encoded === undefined ? undefined : /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, "base64").toString())?.[1];
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
