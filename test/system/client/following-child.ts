// An application that reads a dataset and its successor, to be killed: keeps the last place of each station in a file, and commits behind it.
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { createConsumer } from "@mainstem/client";
import { both } from "./succeeding.ts";

const [url = "", file = ""] = process.argv.slice(2);
const last = new Map(JSON.parse(await readFile(file, "utf8").catch(() => "[]")) as readonly (readonly [string, number])[]);
const consumer = await createConsumer({ url, dataset: both, group: "app", batchRecordsMax: 7, backOff: { firstMs: 5, mostMs: 50 } });
for await (const batch of consumer.batches()) {
  for (const { value } of batch.records) {
    if (value === null) continue;
    last.set("station" in value ? value.station : value.id, value.place);
  }
  await writeFile(`${file}.new`, JSON.stringify([...last]));
  await rename(`${file}.new`, file);
  await appendFile(`${file}.seen`, batch.records.map(({ dataset, partition, offset }) => `${process.pid} ${dataset} ${partition} ${offset}\n`).join(""));
  await consumer.commit(batch);
}
