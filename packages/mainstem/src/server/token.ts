import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { MainstemError } from "../runtime/errors.ts";

export { isLoopback } from "../runtime/loopback.ts";

/** Checks `Authorization: Bearer` against the server's token; undefined lets everybody in. Takes the same time for every wrong token. */
export function createGuard(token: string | undefined): (request: IncomingMessage) => void {
  if (token === undefined) return () => undefined;
  const expected = digest(token);
  return (request) => {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), expected))
      throw new MainstemError("server.unauthorized", "The server's token is missing or wrong.");
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
