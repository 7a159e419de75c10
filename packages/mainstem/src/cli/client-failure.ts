import { CliFailure, type Problem } from "./failure.ts";
import { defaultServer, type ServerAddress } from "./server-address.ts";

/** The address as a URL. Errors: `cli.usage`. */
export function parseServer({ url: text, from }: ServerAddress): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new CliFailure("cli.usage", `${JSON.stringify(text)} (${from}) is not the address of a server.`, {
      remedy: "Give it as http://host:port.",
      exitCode: 2,
    });
  return url;
}

/** What the server refused, in its own words. An error that is no problem of Mainstem's comes from somebody else. */
export function problemFailure({ status, body }: { readonly status: number; readonly body: unknown }, address: ServerAddress): CliFailure {
  const problem: Partial<Problem> & { readonly error_code?: unknown } = typeof body === "object" && body !== null ? body : {};
  const { code, detail, remedy, ...rest } = problem;
  if (code === "server.unauthorized") return unauthorized(address);
  if (typeof code === "string" && typeof detail === "string") return new CliFailure(code, detail, { remedy, facts: { ...rest, ...rest.facts } });
  if (typeof problem.error_code === "number")
    return new CliFailure("cli.answer", `${originOf(address)} is the port of the schema registry's API, not of the server.`, {
      remedy: `Give the server's own port (server.port, usually 7070) with --server or MAINSTEM_SERVER.`,
    });
  return foreignFailure(`status ${status}`, address);
}

/** Something answers, and it is no Mainstem. */
export function foreignFailure(answer: string, address: ServerAddress, cause?: unknown): CliFailure {
  return new CliFailure("cli.answer", `What answers at ${describe(address)} is no Mainstem: it answered with ${answer}.`, { cause });
}

export function brokenFailure(address: ServerAddress, cause?: unknown): CliFailure {
  return new CliFailure("cli.connection", `The connection to ${originOf(address)} broke before the answer was complete.`, { cause });
}

/** A failure of the network as a person can act on it; anything else as it is. */
export function toFailure(error: unknown, address: ServerAddress): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const { hostname } = parseServer(address);
  if (code === "ECONNREFUSED")
    return new CliFailure("cli.noServer", `No Mainstem answers at ${describe(address)}: nothing listens there.`, {
      remedy: startOrName(hostname),
      cause: error,
    });
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new CliFailure("cli.noServer", `No Mainstem answers at ${describe(address)}: no address is known for the name ${hostname}.`, {
      remedy: "Check the name in --server or MAINSTEM_SERVER, and this machine's network.",
      cause: error,
    });
  if (["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"].includes(code))
    return new CliFailure("cli.noServer", `No Mainstem answers at ${describe(address)}: the machine cannot be reached (${code}).`, {
      remedy: "Check the address in --server or MAINSTEM_SERVER, the network, and firewalls between.",
      cause: error,
    });
  if (code.startsWith("HPE_")) return foreignFailure("something that is not HTTP", address, error);
  if (code === "EPROTO" || code.startsWith("ERR_SSL"))
    return new CliFailure("cli.answer", `What answers at ${describe(address)} does not speak TLS.`, { remedy: "Give the address as http://…", cause: error });
  if (/CERT|SELF_SIGNED|ALTNAME/.test(code))
    return new CliFailure("cli.connection", `The certificate of ${originOf(address)} was not accepted: ${code}.`, {
      remedy: "Call it by the name in its certificate, and give its authority to Node with NODE_EXTRA_CA_CERTS=FILE.",
      cause: error,
    });
  if (["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes(code))
    return new CliFailure("cli.connection", `The connection to ${originOf(address)} broke.`, { cause: error });
  return error;
}

function unauthorized(address: ServerAddress): CliFailure {
  const sentence =
    address.token === undefined
      ? `The server at ${describe(address)} asks for its token, and none was given.`
      : `The server at ${describe(address)} does not take the token that was given.`;
  return new CliFailure("server.unauthorized", sentence, { remedy: "Set MAINSTEM_TOKEN to the server's token (server.token in its configuration)." });
}

function startOrName(hostname: string): string {
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  return local
    ? "Start one with `mainstem dev`, or name one that runs with --server or MAINSTEM_SERVER; `mainstem doctor` looks for what is in the way."
    : "Start it there, or name another with --server or MAINSTEM_SERVER.";
}

function describe(address: ServerAddress): string {
  const origin = originOf(address);
  return origin === defaultServer && address.from === "the default" ? origin : `${origin} (${address.from})`;
}

function originOf(address: ServerAddress): string {
  return parseServer(address).origin;
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return error.errors.map(codeOf).find((code) => code !== undefined);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
