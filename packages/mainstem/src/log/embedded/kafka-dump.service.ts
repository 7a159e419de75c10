import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { openKafkaTools } from "../../../../../tools/services/kafka-tools.ts";
import type { KafkaTools } from "../../../../../tools/services/kafka-tools.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { TimestampType } from "../log.ts";
import { at, createManualEnv, position, readRecords, toBatch, toSpec } from "../log-testing.ts";
import type { TextRecord } from "../log-testing.ts";
import { openEmbeddedLog } from "./embedded-log.ts";

/** Kafka's own DumpLogSegments reads what we wrote: every record, every checksum, every index entry. */

describe("Kafka's DumpLogSegments", () => {
  let tools: KafkaTools;
  before(async () => {
    tools = await openKafkaTools();
  });

  for (const timestampType of ["append", "create"] as const) {
    test(`reads the segments and indexes of a topic whose times are those of ${timestampType}`, async () => {
      await withStored(timestampType, async ({ directory, records }) => {
        const names = (await readdir(directory)).sort();
        const segments = names.filter((name) => name.endsWith(".log"));
        assert.ok(segments.length >= 3, "there are several segments");

        const dumped: DumpedRecord[] = [];
        const files = segments.map((name) => join(directory, name)).join(",");
        const log = await tools.run("org.apache.kafka.tools.DumpLogSegments", ["--files", files, "--print-data-log", "--deep-iteration"]);
        for (const line of log.out.split("\n")) dumped.push(...parseRecord(line));
        assert.deepEqual(
          dumped,
          records.map(({ offset, timestamp, key, value, headers }) => ({
            offset,
            time: `${timestampType === "append" ? "LogAppendTime" : "CreateTime"} ${timestamp}`,
            key,
            value,
            headerKeys: headers.map(([name]) => name).join(","),
          })),
        );
        const batches = log.out.split("\n").filter((line) => line.startsWith("baseOffset: "));
        assert.ok(batches.length > 0 && batches.every((line) => /\bisvalid: true\b/.test(line) && /\bmagic: 2\b/.test(line)));
        // The tool of 4.3.1 counts from -1, and so takes the first offset of a later segment for one after a gap.
        const complaints = log.complaints
          .split("\n")
          .filter((line) => line !== "" && !line.startsWith("Non-consecutive offsets in ") && !line.startsWith("  -1 is followed by "));
        assert.deepEqual(complaints, []);

        const indexes = names.filter((name) => name.endsWith("index"));
        const entries = await tools.run("org.apache.kafka.tools.DumpLogSegments", ["--files", indexes.map((name) => join(directory, name)).join(",")]);
        // What does not fit the log is told on standard error.
        assert.doesNotMatch(entries.complaints, /ismatch|Found|rror|xception|out of order/);
        assert.ok((entries.out.match(/^offset: \d+ position: \d+$/gm) ?? []).length >= segments.length - 1, "there are offset entries");
        assert.ok((entries.out.match(/^timestamp: \d+ offset: \d+$/gm) ?? []).length >= segments.length - 1, "there are time entries");

        const sanity = await tools.run("org.apache.kafka.tools.DumpLogSegments", [
          "--index-sanity-check",
          "--files",
          indexes.map((name) => join(directory, name)).join(","),
        ]);
        for (const name of indexes) assert.match(sanity.out, new RegExp(`${name} (passed sanity check|is empty)`));
      });
    });
  }
});

interface DumpedRecord {
  readonly offset: number;
  readonly time: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headerKeys: string;
}

/** A record's line: `| offset: 5 LogAppendTime: 1800… keySize: 2 valueSize: 3 sequence: -1 headerKeys: [a,b] key: k1 payload: abc`. */
function parseRecord(line: string): DumpedRecord[] {
  const match =
    /^\| offset: (\d+) (\w+): (\d+) keySize: (-?\d+) valueSize: (-?\d+) sequence: -1 headerKeys: \[(.*?)\](?: key: (\S*))?(?: payload: (.*))?$/.exec(line);
  if (match === null) return [];
  const [, offset, type, timestamp, keySize, valueSize, headerKeys, key, value] = match;
  return [
    {
      offset: Number(offset),
      time: `${type} ${timestamp}`,
      key: keySize === "-1" ? null : (key ?? ""),
      value: valueSize === "-1" ? null : (value ?? ""),
      headerKeys: headerKeys ?? "",
    },
  ];
}

/** A closed log of many batches with keys, nulls and headers, over several segments. */
async function withStored(
  timestampType: TimestampType,
  work: (stored: { readonly directory: string; readonly records: readonly TextRecord[] }) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-dump-"));
  const env = createManualEnv();
  try {
    const log = await openEmbeddedLog({ directory, env, logger: silentLogger, segmentBytesMax: 25_000 });
    const topic = await log.createTopic(toSpec("shop.orders", { timestampType }));
    for (let index = 0; index < 200; index++) {
      env.set(env.now() + (index % 3) * 10);
      const headers = index % 4 === 0 ? [{ key: "origin", value: Buffer.from(`door-${index}`) }] : [];
      const values = [`first-${index}`, index % 5 === 0 ? null : "v".repeat(index * 3), "ä€"];
      // Times of records that jump about, so that not every batch is the latest so far.
      await log.append(
        at(topic),
        toBatch(values, { ...(index % 7 > 0 && { key: `k${index}` }), headers, timestamp: 1_700_000_000_000 + ((index * 37) % 100) * 1_000 + index }),
      );
    }
    const records = await readRecords(log, position(topic, 0));
    await log[Symbol.asyncDispose]();
    await work({ directory: join(directory, "topics", topic.name, topic.id, "0"), records });
  } finally {
    await rm(directory, { recursive: true });
  }
}
