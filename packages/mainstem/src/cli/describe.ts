import { Command } from "commander";
import type { DatasetDetail } from "./answers.ts";
import { path } from "./client.ts";
import { print, type Start } from "./context.ts";
import { formatTable, toCell } from "./text-table.ts";

/** `mainstem describe NAME` */
export function describeCommand(start: Start): Command {
  const command = new Command("describe")
    .description("show a dataset: its contract, and how far log, archive and table are")
    .argument("<name>", "namespace.name")
    .addHelpText("after", "\nExamples:\n  mainstem describe shop.orders\n  mainstem describe shop.orders --json | jq .contract");
  return command.action((name: string) =>
    start(command, async (context) => {
      const { body } = await context.client.call({ path: path`/v1/datasets/${name}`, signal: context.signal });
      await print(context, body as DatasetDetail, (dataset) => show(dataset, context.terminal.width));
    }),
  );
}

function show({ contract, ...rest }: DatasetDetail, width: number | undefined): readonly string[] {
  const partition = contract.partition.map((one) => `${one.transform}${one.width === undefined ? "" : `[${one.width}]`}(${one.field})`);
  const facts = Object.entries(rest).filter(([name, value]) => name !== "name" && value !== null && value !== undefined && typeof value !== "object");
  const lines = [
    [contract.name, contract.description],
    ["key", contract.key.join(", ")],
    ["order", contract.order.join(", ")],
    ["merge", contract.merge.kind],
    ["partition", partition.join(", ")],
    ...facts.map(([name, value]) => [name, toCell(value)]),
  ];
  const fields = contract.schema.fields.map((field) => [field.name, toCell(field.type), toCell(field.doc)]);
  return [
    ...formatTable(
      [{ title: "dataset" }, { title: "" }],
      lines.filter(([, value]) => value !== undefined && value !== "").map((row) => row.map(toCell)),
      { width },
    ),
    "",
    ...formatTable([{ title: "field" }, { title: "type" }, { title: "about" }], fields, { width }),
  ];
}
