import { Command } from "commander";
import type { DatasetSummary } from "./answers.ts";
import { printList, type Start } from "./context.ts";
import { formatCount, formatTable, toCell } from "./text-table.ts";

/** `mainstem datasets` */
export function datasetsCommand(start: Start): Command {
  const command = new Command("datasets")
    .description("list the datasets")
    .addHelpText("after", "\nExamples:\n  mainstem datasets\n  mainstem datasets --json | jq .name");
  return command.action(() =>
    start(command, async (context) => {
      const { body } = await context.client.call({ path: "/v1/datasets", signal: context.signal });
      await printList(context, (body as { readonly datasets: readonly DatasetSummary[] }).datasets, (datasets) => {
        if (datasets.length === 0) return ["No dataset yet. Declare one and run `mainstem apply FILE`."];
        const rows = datasets.map(({ name, version, records, rows: inTable, completeThrough, error, description }) => [
          name,
          toCell(version),
          formatCount(records),
          inTable === null ? "" : formatCount(inTable),
          error === undefined ? toCell(completeThrough) : `${error.code}: ${error.message}`,
          toCell(description),
        ]);
        const right = { align: "right" } as const;
        const columns = [
          { title: "dataset", keep: true },
          { title: "version", ...right },
          { title: "in the log", ...right },
          { title: "rows", ...right },
          { title: "complete through" },
          { title: "description" },
        ];
        return formatTable(columns, rows, { width: context.terminal.width });
      });
    }),
  );
}
