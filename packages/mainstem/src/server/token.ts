import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { MainstemError } from "../runtime/errors.ts";

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

/** Whether only programs of this machine can reach the address. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (isIP(address) === 4) return address.startsWith("127.");
  return address === "::1" || address === "localhost";
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
