import { hostname, userInfo } from "node:os";
import { Command } from "commander";
import type { TaskDetail } from "./answers.ts";
import { path } from "./client.ts";
import { print, type Context, type Start } from "./context.ts";
import { placeOption } from "./place-options.ts";
import { formatTask } from "./task-table.ts";
import { toPrintable } from "./terminal.ts";

/** `mainstem pause TASK` */
export function pauseCommand(start: Start): Command {
  const command = new Command("pause")
    .description("keep a task from running until it is resumed, also after a restart")
    .argument("<task>", "such as archive.shop.orders; `mainstem status` lists them")
    .option("--reason <text>", "kept with the pause and shown beside it")
    .addHelpText("after", '\nExamples:\n  mainstem pause table.shop.orders\n  mainstem pause archive.shop.orders --reason "the disk is being moved"');
  return command.action((task: string, { reason }: { readonly reason?: string }) =>
    start(command, (context) => post(context, { task, verb: "pause", body: { by: whoami(), ...(reason === undefined ? {} : { reason }) } })),
  );
}

/** `mainstem resume TASK` */
export function resumeCommand(start: Start): Command {
  const command = new Command("resume")
    .description("let a paused task go on, begin one again that stopped on an error, or try one at once that backs off")
    .argument("<task>", "such as archive.shop.orders; `mainstem status` lists them")
    .addHelpText("after", "\nExamples:\n  mainstem resume table.shop.orders");
  return command.action((task: string) => start(command, (context) => post(context, { task, verb: "resume", body: {} })));
}

/** `mainstem reset TASK --to PLACE` */
export function resetCommand(start: Start): Command {
  const command = new Command("reset")
    .description("begin a task anew at another place, where it can; a refusal says what to do instead")
    .argument("<task>", "such as archive.shop.orders; `mainstem status` lists them")
    .requiredOption("--to <place>", "beginning, chain-end, an offset, or a time such as 2026-11-21T14:00:00Z", placeOption(["beginning", "chain-end"]))
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem reset archive.shop.orders --to chain-end\n  mainstem reset archive.shop.orders --to 41200\n\nA table is not reset but rebuilt: mainstem rebuild --help",
    );
  return command.action((task: string, { to }: { readonly to: string }) => start(command, (context) => post(context, { task, verb: "reset", body: { to } })));
}

async function post(context: Context, { task, verb, body }: { readonly task: string; readonly verb: string; readonly body: unknown }): Promise<void> {
  const answer = await context.client.call({ method: "POST", path: `${path`/v1/tasks/${task}`}/${verb}`, body, signal: context.signal });
  await print(context, answer.body as TaskDetail, (detail) => [toPrintable(formatTask(detail))]);
}

function whoami(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without an entry in the system's list, as in some containers.
    return hostname();
  }
}
