import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { isAbort } from "../runtime/errors.ts";
import { path } from "./client.ts";
import { print, printList, type Context, type Start } from "./context.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { parseTimeOption } from "./place-options.ts";
import { createProgress } from "./progress.ts";
import { formatCount, formatCounted, formatTable } from "./text-table.ts";

const lookEveryMs = 500;

interface ReplayOptions {
  readonly from?: string;
  readonly to?: string;
  readonly intoLive?: string;
  readonly list?: boolean;
  readonly remove?: string;
  readonly wait: boolean;
}

interface ReplayDetail {
  readonly id: string;
  readonly dataset: string;
  readonly state: "running" | "paused" | "stopped" | "finished" | "cancelled";
  readonly target: "shadow" | "live";
  readonly topic: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly task: string;
  readonly records: number | null;
  readonly tooLarge: number | null;
}

interface TaskDetail {
  readonly name: string;
  readonly state: string;
  readonly progress: { readonly position: number; readonly end: number } | null;
  readonly lastError: { readonly code: string; readonly message: string } | null;
}

/** `mainstem replay NAME` */
export function replayCommand(start: Start): Command {
  const command = new Command("replay")
    .description("copy a time range of the archive into a shadow topic, and then, on purpose, into the live one")
    .argument("<name>", "namespace.name")
    .option("--from <time>", "the first archived time, RFC 3339 (default: the first record)", parseTimeOption)
    .option("--to <time>", "the first archived time that is left out (default: all that is archived now)", parseTimeOption)
    .option("--into-live <replay>", "append what this finished replay holds to the dataset's own topic")
    .option("--list", "list the replays of the dataset")
    .option("--remove <replay>", "end a replay and delete its shadow topic")
    .option("--no-wait", "do not wait for its end")
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem replay shop.orders --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z\n  mainstem tail shop.orders --replay 6f1c0a9be2d34787\n  mainstem replay shop.orders --into-live 6f1c0a9be2d34787\n  mainstem replay shop.orders --list\n\nA replay goes on in the server when this command is ended.",
    );
  return command.action((name: string, options: ReplayOptions) => start(command, (context) => run(context, name, options)));
}

async function run(context: Context, name: string, { from, to, intoLive, list, remove, wait }: ReplayOptions): Promise<ExitCode | void> {
  const { client, signal, terminal } = context;
  if ([list, remove, intoLive, from ?? to].filter((one) => one !== undefined).length > 1)
    throw new CliFailure("cli.usage", "--list, --remove, --into-live and a range exclude one another.", { remedy: "See mainstem replay --help.", exitCode: 2 });
  if (list === true) {
    const { body } = await client.call({ path: path`/v1/datasets/${name}/replays`, signal });
    return printList(context, (body as { readonly replays: readonly ReplayDetail[] }).replays, (replays) => showAll(replays, terminal.width));
  }
  if (remove !== undefined) {
    await client.call({ method: "DELETE", path: path`/v1/datasets/${name}/replays/${remove}`, signal });
    return print(context, { dataset: name, removed: remove }, () => [`Replay ${remove} of ${name} is gone.`]);
  }
  const request = intoLive === undefined ? { from, to } : { intoLive };
  const { body } = await client.call({ method: "POST", path: path`/v1/datasets/${name}/replay`, body: request, signal });
  const begun = body as ReplayDetail;
  const replay = wait ? await waitFor(context, begun).catch((error: unknown) => Promise.reject(goesOn(context, begun, error))) : begun;
  await print(context, replay, (one) => showOne(one));
  return wait && replay.state === "paused" ? exitCodes.failed : exitCodes.ok;
}

/** Shows how far it is until it ends, or somebody pauses it. Throws when its task stopped for good. */
async function waitFor(context: Context, begun: ReplayDetail): Promise<ReplayDetail> {
  const { client, signal, terminal } = context;
  const progress = createProgress(context, { label: `replaying ${begun.dataset}` });
  terminal.progress(`replaying ${begun.dataset}`);
  for (;;) {
    const { body } = await client.call({ path: path`/v1/datasets/${begun.dataset}/replays/${begun.id}`, signal });
    const replay = body as ReplayDetail;
    if (replay.state !== "running" && replay.state !== "stopped") return replay;
    const tasks = (await client.call({ path: "/v1/tasks", signal })).body as { readonly tasks: readonly TaskDetail[] };
    const task = tasks.tasks.find(({ name }) => name === begun.task);
    if (task?.state === "stopped" && task.lastError !== null)
      throw new CliFailure(task.lastError.code, task.lastError.message, {
        remedy: `Replay ${begun.id} stopped. Mend the cause, then \`mainstem resume ${begun.task}\`: it goes on where it was.`,
      });
    const at = task?.progress ?? undefined;
    if (at !== undefined) progress.update({ done: at.position, total: at.end, note: "offsets" });
    await sleep(lookEveryMs, undefined, { signal });
  }
}

/** Who leaves the waiting is told where the work is. */
function goesOn({ terminal, json }: Context, { id, dataset }: ReplayDetail, error: unknown): unknown {
  if (isAbort(error) && !json) terminal.say(`Replay ${id} goes on in the server: \`mainstem replay ${dataset} --list\` shows it.`);
  return error;
}

function showOne({ id, dataset, state, target, topic, records, tooLarge, task }: ReplayDetail): readonly string[] {
  if (state === "paused" || state === "stopped") return [`Replay ${id} of ${dataset} is ${state}. It goes on with \`mainstem resume ${task}\`.`];
  if (state === "running") return [`Replay ${id} of ${dataset} runs. See how far it is with \`mainstem status\`.`];
  const lines = [`Replay ${id}: ${formatCounted(records ?? 0, "record")} of ${dataset} in ${target === "live" ? "the live topic" : topic}.`];
  if (tooLarge !== null && tooLarge > 0) lines.push(`${formatCount(tooLarge)} records were too large to take one more header; the server's log names them.`);
  if (target === "shadow")
    lines.push(`  mainstem tail ${dataset} --replay ${id}         shows them`, `  mainstem replay ${dataset} --into-live ${id}    appends them to the dataset`);
  return lines;
}

function showAll(replays: readonly ReplayDetail[], width: number | undefined): readonly string[] {
  if (replays.length === 0) return ["No replays."];
  const rows = replays.map(({ id, state, target, from, to, records }) => [
    id,
    state,
    target,
    from ?? "",
    to ?? "",
    records === null ? "" : formatCount(records),
  ]);
  const columns = [
    { title: "replay", keep: true },
    { title: "state" },
    { title: "target" },
    { title: "from" },
    { title: "to" },
    { title: "records", align: "right" as const },
  ];
  return formatTable(columns, rows, { width });
}
