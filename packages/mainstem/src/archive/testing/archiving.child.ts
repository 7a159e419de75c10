// Started by archiver-kill.fault.ts, and killed: appends records and archives them at once, and says which offsets were acknowledged.
import { createArchiver } from "../archiver.ts";
import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openPipeline } from "./pipeline.ts";

const [directory, seed] = process.argv.slice(2);
if (directory === undefined || seed === undefined) throw new Error("usage: archiving.child.ts DIRECTORY SEED");
const pipeline = await openPipeline({ directory, partitions: 2 });
const archiver = createArchiver({
  dataset: pipeline.dataset.contract.name,
  registry: pipeline.registry,
  log: pipeline.log,
  objects: pipeline.objects,
  env: systemEnv,
  logger: silentLogger,
  everyMs: Number(seed) % 3 === 0 ? 100_000 : 30,
  maxBytes: 4_000 + (Number(seed) % 7) * 3_000,
  scratchDir: `${directory}/scratch`,
});
const running = archiver.run({ signal: new AbortController().signal, report: () => undefined });
running.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
for (let round = 0; ; round++) {
  const count = 1 + ((Number(seed) + round * 31) % 60);
  const records = Array.from({ length: count }, (_, index) => ({ key: Buffer.from(`${seed}/${round}/${index}`), value: Buffer.from(systemEnv.random(80)) }));
  const { last } = await pipeline.append(round % 2, records);
  process.stdout.write(`${round % 2} ${last} ${count}\n`);
}
