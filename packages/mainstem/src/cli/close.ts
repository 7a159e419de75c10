import { Command } from "commander";
import type { ClosedDetail } from "./answers.ts";
import { path } from "./client.ts";
import { print, type Start } from "./context.ts";
import { describeBehind } from "./succession.ts";
import { formatCounted } from "./text-table.ts";

/** `mainstem close NAME` */
export function closeCommand(start: Start): Command {
  const command = new Command("close")
    .description("close a dataset that another one continues: nothing is appended any more, and its readers run off its end and move")
    .argument("<name>", "namespace.name")
    .option("--reopen", "take it back; consumers that have moved meanwhile have to be started again")
    .addHelpText(
      "after",
      "\nExamples:\n  mainstem close shop.orders\n  mainstem close shop.orders --json | jq '.groups[] | select(.moved | not)'\n  mainstem close shop.orders --reopen",
    );
  return command.action((name: string, { reopen }: { readonly reopen?: boolean }) =>
    start(command, async (context) => {
      const { body } = await context.client.call({
        method: reopen === true ? "DELETE" : "POST",
        path: path`/v1/datasets/${name}/close`,
        signal: context.signal,
      });
      await print(context, body as ClosedDetail, describe);
    }),
  );
}

function describe({ dataset, successor, closedAt, partitions, groups }: ClosedDetail): readonly string[] {
  const records = partitions.reduce((sum, { end }) => sum + end, 0);
  if (closedAt === null) return [`${dataset} is open.`];
  const behind = groups.filter(({ moved }) => !moved).map((reader) => `  ${reader.group}  ${describeBehind(reader, { closedAt })}`);
  return [`${dataset} is closed since ${closedAt}, at ${formatCounted(records, "record")}; ${successor} continues it.`, ...behind];
}
