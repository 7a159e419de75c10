import { Command } from "commander";
import { resolveSecret, type Config } from "../runtime/config.ts";
import { createClient } from "./client.ts";
import { print, type Context, type Start } from "./context.ts";
import { failedWith, ok, type Check, type Verdict } from "./doctor/check.ts";
import { checkFolders } from "./doctor/folder-checks.ts";
import { checkClock, checkGeneratedCode, checkMemory, checkNativeModules, checkOpenFiles, checkVersions } from "./doctor/machine-checks.ts";
import { checkPorts, checkRunning } from "./doctor/server-checks.ts";
import { exitCodes, type ExitCode } from "./failure.ts";
import { addServeOptions, loadSettings, type ServeOptions } from "./serve.ts";
import { urlOf } from "./server-address.ts";

interface Report {
  /** The worst of the checks' verdicts. */
  readonly status: Exclude<Verdict, "skipped">;
  readonly checks: readonly Check[];
}

/** `mainstem doctor` */
export function doctorCommand(start: Start): Command {
  const command = addServeOptions(new Command("doctor"), { logLevel: "info" })
    .description("look for what would keep Mainstem from running here, and say what to do about it; changes nothing")
    .addHelpText(
      "after",
      "\nLooks at versions, native modules, generated code, the configuration, folders and disk space, the formats and the lock of what is stored, ports, memory, open files" +
        "\nand the clock. Give it the options of `mainstem start`. Ends with 1 if a check failed; a warning is none." +
        "\n\nExamples:\n  mainstem doctor\n  mainstem doctor --config /etc/mainstem.yaml\n  mainstem doctor --json | jq '.checks[] | select(.verdict != \"ok\")'",
    );
  return command.action((options: ServeOptions) =>
    start(
      command,
      async (context) => {
        const checks = await examine(options);
        const report: Report = { status: worstOf(checks), checks };
        await print(context, report, (one) => show(one, context));
        return exitCodeOf(report);
      },
      { server: "none" },
    ),
  );
}

async function examine(options: ServeOptions): Promise<readonly Check[]> {
  const native = await checkNativeModules();
  const nativeFailed = native.some(({ verdict }) => verdict === "failed");
  const generated = nativeFailed ? skipped("generated code", "native modules") : await checkGeneratedCode((await import("../platform.ts")).inspectLoading);
  const machine = [checkVersions(), ...native, generated, checkOpenFiles()];
  let config: Config;
  try {
    config = await loadSettings(options);
    if (config.server.token !== undefined) await resolveSecret(config.server.token, { setting: "server.token" });
  } catch (error) {
    const rest = ["data directory", "disk space", "stored data", "server", "memory", "clock"];
    return [...machine, failedWith("configuration", error), ...rest.map((name) => skipped(name, "the configuration"))];
  }
  const stored = nativeFailed ? { checks: [skipped("stored data", "native modules")], held: false } : await examineStores(config);
  return [
    ...machine,
    ok("configuration", config.datasets.length === 0 ? "no fault" : `no fault; declares datasets in ${config.datasets.length} files`),
    checkMemory(config),
    ...(await checkFolders(config)),
    ...stored.checks,
    ...(stored.held ? [await checkRunning(createClient(await addressOf(config)))] : await checkPorts(config)),
    checkClock({ now: Date.now(), lastAppend: stored.lastAppend }),
  ];
}

interface Stored {
  readonly checks: readonly Check[];
  /** Whether a process has the data open. */
  readonly held: boolean;
  readonly lastAppend?: number | undefined;
}

async function examineStores(config: Config): Promise<Stored> {
  try {
    const { inspectStores } = await import("../platform.ts");
    const { log, state } = await inspectStores(config);
    const formats =
      log.topics === undefined ? "nothing yet" : `${log.topics} topics; state of format ${state.version ?? "none"}; all of versions that this one reads`;
    const holder = log.holder?.pid === undefined ? "a process" : `process ${log.holder.pid}`;
    const lock = ok("lock", log.holder === undefined ? "free" : `${holder} has the data directory open`);
    return { checks: [ok("stored data", formats), lock], held: log.holder !== undefined, lastAppend: log.lastTimestamp };
  } catch (error) {
    return { checks: [failedWith("stored data", error)], held: false };
  }
}

async function addressOf({ server }: Config): Promise<Parameters<typeof createClient>[0]> {
  return {
    url: urlOf(server),
    from: "the configuration",
    token: server.token === undefined ? undefined : await resolveSecret(server.token, { setting: "server.token" }),
  };
}

function skipped(name: string, because: string): Check {
  return { name, verdict: "skipped", message: `not looked at: ${because} must be mended first` };
}

function worstOf(checks: readonly Check[]): Report["status"] {
  return (["failed", "warning"] as const).find((verdict) => checks.some((check) => check.verdict === verdict)) ?? "ok";
}

const colors = { ok: "green", warning: "yellow", failed: "red", skipped: "dim" } as const;

function show({ status, checks }: Report, { terminal }: Context): readonly string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const indent = `\n${" ".repeat(9 + width + 2)}`;
  const lines = checks.map(({ name, verdict, message, remedy }) => {
    const texts = [...message.split("\n"), ...(remedy === undefined ? [] : [`→ ${remedy}`])];
    return `${terminal.style(colors[verdict], verdict.padEnd(7))}  ${name.padEnd(width)}  ${texts.join(indent)}`;
  });
  const ends = {
    ok: "Nothing is in the way.",
    warning: "Nothing is in the way; see the warnings.",
    failed: "Mainstem would not run well here: see what failed.",
  };
  return [...lines, "", ends[status]];
}

function exitCodeOf({ status }: Report): ExitCode {
  return status === "failed" ? exitCodes.failed : exitCodes.ok;
}
