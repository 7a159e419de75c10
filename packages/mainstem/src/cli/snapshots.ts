import { Command } from "commander";
import type { SnapshotDetail } from "./answers.ts";
import { path } from "./client.ts";
import { printList, type Start } from "./context.ts";
import { formatCount, formatTable, toCell } from "./text-table.ts";

/** `mainstem snapshots NAME` */
export function snapshotsCommand(start: Start): Command {
  const command = new Command("snapshots")
    .description("list the versions of a dataset's table, the newest last")
    .argument("<name>", "namespace.name")
    .addHelpText("after", "\nExamples:\n  mainstem snapshots shop.orders\n  mainstem query 'select count(*) from shop.orders' --at shop.orders=1234567890");
  return command.action((name: string) =>
    start(command, async (context) => {
      const { body } = await context.client.call({ path: path`/v1/datasets/${name}/snapshots`, signal: context.signal });
      await printList(context, (body as { readonly snapshots: readonly SnapshotDetail[] }).snapshots, (snapshots) => {
        if (snapshots.length === 0) return [`${name} has no snapshot yet: its table is built a moment after its first records were archived.`];
        const rows = snapshots.map((one) => [one.id, one.committedAt, formatCount(one.rows), toCell(one.operation)]);
        return formatTable([{ title: "snapshot", keep: true }, { title: "committed" }, { title: "rows", align: "right" }, { title: "operation" }], rows, {
          width: context.terminal.width,
        });
      });
    }),
  );
}
