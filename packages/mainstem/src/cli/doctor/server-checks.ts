import { createServer } from "node:net";
import type { Config } from "../../runtime/config.ts";
import { errnoOf } from "../../runtime/files.ts";
import type { Health } from "../answers.ts";
import type { Client } from "../client.ts";
import { CliFailure } from "../failure.ts";
import { failed, failedWith, ok, warning, type Check } from "./check.ts";

/** A server that does not answer in this time is stuck. */
const answerMsMax = 5_000;

/** The ports that the platform would listen on. */
export async function checkPorts({ server }: Config): Promise<readonly Check[]> {
  const ports = [{ name: "port", port: server.port }, ...(server.registryPort === undefined ? [] : [{ name: "registry port", port: server.registryPort }])];
  return await Promise.all(ports.map(({ name, port }) => checkPort(name, { host: server.host, port })));
}

async function checkPort(name: string, { host, port }: { readonly host: string; readonly port: number }): Promise<Check> {
  const address = `${host}:${port}`;
  if (port === 0) return ok(name, `any free one of ${host}`);
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen({ host: host.replace(/^\[|\]$/g, ""), port, exclusive: true }, resolve);
  try {
    await promise;
    await new Promise((closed) => server.close(closed));
    return ok(name, `${address} is free`);
  } catch (error) {
    const errno = errnoOf(error);
    const inUse = `See which with \`ss -ltnp 'sport = :${port}'\` and stop it, or choose another port with --port or server.port.`;
    if (errno === "EADDRINUSE") return failed(name, `${address} is used by another program.`, inUse);
    if (errno === "EACCES") return failed(name, `${address} is not for this user.`, "Choose a port of 1024 or more, and put a proxy before it if need be.");
    if (errno === "EADDRNOTAVAIL" || errno === "ENOTFOUND")
      return failed(name, `${host} is no address of this machine.`, "Set server.host to 127.0.0.1, to an address of this machine, or to 0.0.0.0 with a token.");
    return failedWith(name, error);
  }
}

/** The server that runs on this data already. */
export async function checkRunning(client: Client): Promise<Check> {
  const name = "server";
  try {
    const { body } = await client.call({ path: "/health", accept: [503], signal: AbortSignal.timeout(answerMsMax) });
    const { status, reasons = [] } = body as Partial<Health>;
    const why = reasons.map(({ message }) => message).join(" ");
    if (status === "ok") return ok(name, `it runs, and answers at ${client.server}`);
    const sentence = `It runs at ${client.server} and is ${status ?? "of unknown health"}. ${why}`.trimEnd();
    return (status === "failed" ? failed : warning)(name, sentence, "See `mainstem status`.");
  } catch (error) {
    if (error instanceof CliFailure)
      return failed(name, `A process has the data directory open, but: ${error.message}`, `${error.remedy ?? ""} Or stop that process.`.trim());
    return failed(
      name,
      `A process has the data directory open, but does not answer at ${client.server} within ${answerMsMax / 1_000} s.`,
      "See its log, or stop it.",
    );
  }
}
