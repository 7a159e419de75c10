import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { Health, TaskDetail } from "./answers.ts";
import { print, reportFailure, type Context, type Start } from "./context.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { formatTask, formatTasks } from "./task-table.ts";
import { toPrintable } from "./terminal.ts";

interface Status extends Health {
  readonly server: string;
  readonly tasks: readonly TaskDetail[];
}

const colors = { ok: "green", degraded: "yellow", failed: "red" } as const;
const watchEveryMs = 1_000;
/** How a server fails that is about to be back, or may be. */
const passing: ReadonlySet<string> = new Set(["cli.noServer", "cli.connection", "server.closing"]);

/** `mainstem status` */
export function statusCommand(start: Start): Command {
  const command = new Command("status")
    .description("show whether the platform makes progress: every task with its verdict, position, rate, time left and last error")
    .option("-w, --watch", "go on until Ctrl-C, also over a restart of the server: redrawn on a screen, a line for each task that changed in a pipe")
    .addHelpText(
      "after",
      "\nVerdicts: ok, slow, stuck, paused, failed, idle. Ends with 1 if a task has failed." +
        "\nWith --json one object; with --watch --json one a second." +
        "\n\nExamples:\n  mainstem status\n  mainstem status --watch\n  mainstem status --json | jq '.tasks[] | select(.verdict != \"ok\")'",
    );
  return command.action((options: { readonly watch?: boolean }) =>
    start(command, async (context) => {
      const status = await readStatus(context);
      if (options.watch === true) return await watch(context, status);
      await print(context, status, (one) => showStatus(one, context));
      return exitCodeOf(status);
    }),
  );
}

async function readStatus({ client, signal }: Context): Promise<Status> {
  // A platform that failed answers 503 with the same body.
  const health = (await client.call({ path: "/health", accept: [503], signal })).body as Health;
  const { tasks } = (await client.call({ path: "/v1/tasks", signal })).body as { readonly tasks: readonly TaskDetail[] };
  return { server: client.server, ...health, tasks };
}

/** A server that goes away meanwhile is waited for: who watches a restart wants to see it come back. */
async function watch(context: Context, first: Status): Promise<ExitCode> {
  const { terminal, json, signal } = context;
  const said = new Map<string, string>();
  let [status, away] = [first, false];
  while (!signal.aborted) {
    if (!away) await showNext(status, { context, said });
    try {
      await sleep(watchEveryMs, undefined, { signal });
      status = await readStatus(context);
      away = false;
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof CliFailure && passing.has(error.code))) throw error;
      if (!away) reportFailure(error, { terminal, json });
      away = true;
    }
  }
  return exitCodeOf(status);
}

async function showNext(status: Status, { context, said }: { readonly context: Context; readonly said: Map<string, string> }): Promise<void> {
  const { terminal, json } = context;
  if (json) return await terminal.line(JSON.stringify(status));
  if (terminal.width !== undefined) return await terminal.screen(showStatus(status, context));
  for (const task of status.tasks) {
    // A rate that fades is no news.
    const news = formatTask({ ...task, ratePerSecond: null, remainingSeconds: null });
    if (said.get(task.name) !== news) await terminal.line(`${new Date().toISOString()}  ${toPrintable(formatTask(task))}`);
    said.set(task.name, news);
  }
}

function showStatus({ server, status, reasons, tasks }: Status, { terminal }: Context): readonly string[] {
  return [
    `${server}: ${terminal.style(colors[status], status)}`,
    ...reasons.map(({ code, message }) => `  ${toPrintable(message)} [${code}]`),
    ...(tasks.length === 0 ? [] : ["", ...formatTasks(tasks, terminal)]),
  ];
}

function exitCodeOf({ status }: Status): ExitCode {
  return status === "failed" ? exitCodes.failed : exitCodes.ok;
}
