// An application with a spool, to be killed: tells how many records are safe.
import { createProducer } from "@mainstem/client";
import { reading, readings } from "./readings.ts";

const [url = "", directory = "", start = "0"] = process.argv.slice(2);
const producer = await createProducer({
  url,
  dataset: readings,
  batchRecordsMax: 30,
  lingerMs: 1,
  backOff: { firstMs: 5, mostMs: 20 },
  spool: { directory, segmentBytesMax: 4_000 },
});
for (let place = Number(start); ; place++) {
  await producer.send(reading(place));
  if (place % 100 !== 99) continue;
  await producer.flush();
  process.stdout.write(`${place + 1}\n`);
}
