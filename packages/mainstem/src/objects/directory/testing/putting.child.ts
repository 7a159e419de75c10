// Started by store.fault.ts, and killed: puts objects whose content can be told from their key, and says what was stored.
import { parseObjectKey } from "../../objects.ts";
import { openDirectoryStore } from "../store.ts";

const [directory, round] = process.argv.slice(2);
if (directory === undefined || round === undefined) throw new Error("usage: putting.child.ts DIRECTORY ROUND");
const store = await openDirectoryStore({ directory });
await Promise.all(
  [0, 1, 2].map(async (worker) => {
    for (let index = 0; ; index += 1) {
      const key = parseObjectKey(`round-${round}/${index % 7}/${worker}-${index}`);
      await store.put(key, content(key), { ifAbsent: index % 2 === 0 });
      process.stdout.write(`${key}\n`);
    }
  }),
);

function* content(key: string): Generator<Uint8Array> {
  for (let line = 0; line < 2_000; line += 1) yield Buffer.from(`${key}\n`);
}
