import { Command } from "commander";
import type { TaskStatus } from "../tasks/index.ts";
import { print, type Start } from "./context.ts";
import { formatCount, formatTable, toCell } from "./text-table.ts";

interface Status {
  readonly server: string;
  readonly health: unknown;
  readonly tasks: readonly TaskStatus[];
}

/** `mainstem status` */
export function statusCommand(start: Start): Command {
  const command = new Command("status")
    .description("show whether the platform makes progress: every task with its position, end and last error")
    .addHelpText("after", "\nExamples:\n  mainstem status\n  mainstem status --json | jq '.tasks[] | select(.lastError)'");
  return command.action(() =>
    start(command, async (context) => {
      const { client, signal } = context;
      // An unhealthy platform answers 503 with the same body.
      const health = await client.call({ path: "/health", accept: [503], signal });
      const { body } = await client.call({ path: "/v1/tasks", signal });
      const status = { server: client.server, health: health.body, tasks: (body as { readonly tasks: readonly TaskStatus[] }).tasks };
      await print<Status>(context, status, ({ tasks }) => [
        `${client.server} is ${health.status === 200 ? context.terminal.style("green", "healthy") : context.terminal.style("red", "not healthy")}`,
        ...(tasks.length === 0 ? [] : ["", ...showTasks(tasks, context.terminal.width)]),
      ]);
      return health.status === 200 ? 0 : 1;
    }),
  );
}

function showTasks(tasks: readonly TaskStatus[], width: number | undefined): readonly string[] {
  const rows = tasks.map(({ name, state, progress, lastAdvance, lastError }) => [
    name,
    state,
    progress === undefined ? "" : `${formatCount(progress.position)} of ${formatCount(progress.end)} ${progress.unit}`,
    lastAdvance === undefined ? "" : new Date(lastAdvance).toISOString(),
    lastError === undefined ? "" : toCell(`${lastError.code}: ${lastError.message}`),
  ]);
  const columns = [{ title: "task" }, { title: "state" }, { title: "progress", align: "right" as const }, { title: "last advance" }, { title: "last error" }];
  return formatTable(columns, rows, { width });
}
