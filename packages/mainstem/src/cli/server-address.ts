import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, resolveSecret, type Config } from "../runtime/config.ts";
import { configFileNames } from "../runtime/config-file.ts";

export const defaultServer = "http://127.0.0.1:7070";

/** Which server a command talks to, and who said so. */
export interface ServerAddress {
  readonly url: string;
  /** For people: where the address was given. */
  readonly from: string;
  readonly token: string | undefined;
}

export interface AddressSources {
  readonly flag: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * The flag wins over `MAINSTEM_SERVER`, that over the configuration of this folder (or its variables), that over the default.
 * The configuration's token is sent to the configuration's server only. Errors: those of `loadConfig`, if it is asked.
 */
export async function findServer({ flag, env, cwd }: AddressSources): Promise<ServerAddress> {
  const token = given(env["MAINSTEM_TOKEN"]);
  if (flag !== undefined) return { url: flag, from: "--server", token };
  const named = given(env["MAINSTEM_SERVER"]);
  if (named !== undefined) return { url: named, from: "MAINSTEM_SERVER", token };
  if (!isConfigured({ env, cwd })) return { url: defaultServer, from: "the default", token };
  const { server } = await loadConfig({ cwd, env });
  return {
    url: urlOf(server),
    from: "the configuration",
    token: token ?? (server.token === undefined ? undefined : await resolveSecret(server.token, { setting: "server.token", env })),
  };
}

/** Any free port is one that nobody can know: then it is the usual one. */
export function urlOf({ host, port }: Config["server"]): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return port === 0 ? defaultServer : `http://${reachable.includes(":") && !reachable.startsWith("[") ? `[${reachable}]` : reachable}:${port}`;
}

function isConfigured({ env, cwd }: Pick<AddressSources, "env" | "cwd">): boolean {
  const variables = ["MAINSTEM_CONFIG", "MAINSTEM_SERVER_HOST", "MAINSTEM_SERVER_PORT"];
  return variables.some((name) => given(env[name]) !== undefined) || configFileNames.some((name) => existsSync(join(cwd, name)));
}

function given(variable: string | undefined): string | undefined {
  return variable === "" ? undefined : variable;
}
