// A process that sends requests with keys into the door of a directory, each once, until it is done or somebody kills it.
import { ask, openRooms, order, orders, toLines } from "./open-rooms.ts";

const [directory = "", seed = "0", requests = "0", recordsEach = "0"] = process.argv.slice(2);
const rooms = await openRooms({ directory, partitions: 3, limits: { batchBytesMax: 2_000 } });
await rooms.registry.apply(orders);
process.stdout.write("open\n");
const parallel = 4;
const numbers = Array.from({ length: Number(requests) }, (_, index) => (index * 7 + Number(seed)) % Number(requests)).values();
await Promise.all(
  Array.from({ length: parallel }, async () => {
    for (const number of numbers) {
      const first = number * Number(recordsEach);
      const body = toLines(Array.from({ length: Number(recordsEach) }, (_, index) => order(first + index)));
      const { accepted } = await rooms.ingest.accept(ask(body, { idempotencyKey: `request ${number}` }));
      if (accepted !== Number(recordsEach)) throw new Error(`request ${number}: ${accepted} accepted`);
    }
  }),
);
await rooms.stop();
process.stdout.write("done\n");
