// Started by rebuild-kill.fault.ts: rebuilds a table, then swaps it in or discards it; tells each write, and dies before or after one of them.
import { reordered } from "./rebuild-orders.ts";
import { openRebuildWorld, ready } from "./rebuild-world.ts";

const [directory = "", end, at = "0", moment] = process.argv.slice(2);
let writes = 0;
let begun = false;
const world = await openRebuildWorld(directory, reordered, async (what, write) => {
  if (!begun) return await write();
  const dies = ++writes === Number(at);
  if (dies && moment === "before") process.kill(process.pid, "SIGKILL");
  const result = await write();
  if (dies) process.kill(process.pid, "SIGKILL");
  process.stdout.write(`${what}\n`);
  return result;
});
begun = true;
await world.rebuilds.start(reordered.name);
await ready(world, reordered.name);
if (end === "swap") await world.rebuilds.swap(reordered.name);
else await world.rebuilds.discard(reordered.name);
await world[Symbol.asyncDispose]();
