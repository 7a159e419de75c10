import { Command } from "commander";
import type { TaskStatus } from "../tasks/index.ts";
import type { Health } from "./answers.ts";
import { print, type Start } from "./context.ts";
import { exitCodes } from "./failure.ts";
import { toPrintable } from "./terminal.ts";
import { formatCount, formatTable } from "./text-table.ts";

interface Status extends Health {
  readonly server: string;
  readonly tasks: readonly TaskStatus[];
}

const colors = { ok: "green", degraded: "yellow", failed: "red" } as const;

/** `mainstem status` */
export function statusCommand(start: Start): Command {
  const command = new Command("status")
    .description("show whether the platform makes progress: every task with its position, end and last error")
    .addHelpText("after", "\nExamples:\n  mainstem status\n  mainstem status --json | jq '.tasks[] | select(.lastError)'");
  return command.action(() =>
    start(command, async (context) => {
      const { client, signal, terminal } = context;
      // A platform that failed answers 503 with the same body.
      const health = (await client.call({ path: "/health", accept: [503], signal })).body as Health;
      const { tasks } = (await client.call({ path: "/v1/tasks", signal })).body as { readonly tasks: readonly TaskStatus[] };
      await print<Status>(context, { server: client.server, ...health, tasks }, ({ server, status, reasons }) => [
        `${server}: ${terminal.style(colors[status], status)}`,
        ...reasons.map(({ code, message }) => `  ${toPrintable(message)} [${code}]`),
        ...(tasks.length === 0 ? [] : ["", ...showTasks(tasks, terminal.width)]),
      ]);
      return health.status === "failed" ? exitCodes.failed : exitCodes.ok;
    }),
  );
}

function showTasks(tasks: readonly TaskStatus[], width: number | undefined): readonly string[] {
  const rows = tasks.map(({ name, state, progress, lastAdvance, lastError }) => [
    name,
    state,
    progress === undefined ? "" : `${formatCount(progress.position)} of ${formatCount(progress.end)} ${progress.unit}`,
    lastAdvance === undefined ? "" : new Date(lastAdvance).toISOString(),
    lastError === undefined ? "" : `${lastError.code}: ${lastError.message}`,
  ]);
  const columns = [{ title: "task" }, { title: "state" }, { title: "progress", align: "right" as const }, { title: "last advance" }, { title: "last error" }];
  return formatTable(columns, rows, { width });
}
