// Started by store.fault.ts, several at once, and killed or left to end: moves one counter by compare-and-swap and tells of each step that is its own.
import { openSqliteState } from "../store.ts";

const [file, name, steps] = process.argv.slice(2);
if (file === undefined || name === undefined || steps === undefined) throw new Error("usage: writing.child.ts FILE NAME STEPS");
await using store = await openSqliteState({ file });
for (let step = 0; step < Number(steps);) {
  const current = await store.pointers.get(name);
  const swap = await store.pointers.swap(name, { expected: current?.version ?? "absent", value: String(Number(current?.value ?? 0) + 1) });
  if (swap.kind !== "committed") continue;
  step += 1;
  process.stdout.write(`${swap.value.version}\n`);
}
