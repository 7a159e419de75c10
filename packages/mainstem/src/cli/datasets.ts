import { Command } from "commander";
import type { DatasetSummary, WaitingDataset } from "./answers.ts";
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
      // A server from before schemas could wait for a dataset does not speak of them.
      const { datasets, waiting = [] } = body as { readonly datasets: readonly DatasetSummary[]; readonly waiting?: readonly WaitingDataset[] };
      const all: readonly (DatasetSummary | WaitingDataset)[] = [...datasets, ...waiting.map((one) => ({ ...one, waitsFor: "contract" }))];
      await printList(context, all, () => {
        const notes = waiting.map(({ name, subject, version }) => `${name} waits for its contract: it has a schema, version ${version} of ${subject}.`);
        const hint = "Declare one and run `mainstem apply FILE`.";
        if (datasets.length === 0) return waiting.length === 0 ? [`No dataset yet. ${hint}`] : [...notes, hint];
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
        const table = formatTable(columns, rows, { width: context.terminal.width });
        return waiting.length === 0 ? table : [...table, "", ...notes, hint];
      });
    }),
  );
}
