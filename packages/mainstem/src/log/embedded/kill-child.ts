import { systemEnv } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Log, TopicInfo } from "../log.ts";
import { at, group, position, toBatch, toSpec } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";

/** Run by kill.fault.ts as a process of its own: appends until it is killed, and says what was acknowledged, a line each. */
await main(process.argv[2]!, Number(process.argv[3]));

async function main(directory: string, round: number): Promise<void> {
  const log = await openEmbeddedLog({ directory, env: systemEnv, logger: silentLogger, segmentBytesMax: 200_000 });
  const topic = await log.createTopic(toSpec("killed", { partitions: 3 }));
  process.stdout.write("ready\n");
  await Promise.all(Array.from({ length: 6 }, (_, writer) => write(log, { topic, round, writer })));
}

async function write(log: Log, { topic, round, writer }: { readonly topic: TopicInfo; readonly round: number; readonly writer: number }): Promise<void> {
  const partition = writer % 3;
  for (let count = 0; ; count++) {
    const name = `${round}/${writer}/${count}`;
    const values = Array.from({ length: 1 + (count % 7) }, (_, index) => `${name}/${index}/${"v".repeat(((count * 37) % 11) * 100)}`);
    const { first, last } = await log.append(at(topic, partition), toBatch(values));
    // The last word tells a whole line from one that the kill cut.
    process.stdout.write(`${partition} ${first} ${last} ${name} durable\n`);
    if (count % 5 === 0) await log.commit(group(`g${writer}`), [position(topic, last, partition)]);
  }
}
