import { compileDoorEncoder, murmur2, wireHeader, wireHeaderBytes, type Contract, type DoorEncoder } from "@mainstem/contract";
import type { TopicPartition } from "../log/index.ts";
import type { Dataset } from "../registry/index.ts";
import type { Env } from "../runtime/env.ts";
import type { Logger } from "../runtime/logger.ts";
import { inboxLane, laneTarget } from "./key-index.ts";

/** How many dataset versions are kept compiled. */
const doorsMax = 1_000;

/** What the records of one version of a dataset are judged and encoded with. */
export interface Door {
  readonly dataset: Dataset;
  readonly contractVersion: number;
  readonly partitions: number;
  /** A lane each: the partitions, then the inbox. */
  readonly targets: readonly TopicPartition[];
  /** Its output begins with the Confluent wire format's header. */
  readonly encoder: DoorEncoder;
  /** The lane of the encoder's last record. */
  lane(): number;
  /** Sets the time that the next records are judged at, where their contract asks for one; undefined: the clock's. */
  judgeAt(millis: number | undefined): void;
}

export interface Doors {
  /** The door of a version of the dataset's contract; by default of the current one. */
  of(dataset: Dataset, version?: { readonly contract: Contract; readonly version: number; readonly schemaId: number }): Door;
}

/** Compiles a door once for each dataset version. */
export function createDoors({ logger, env }: { readonly logger: Logger; readonly env: Env }): Doors {
  const doors = new Map<string, Door>();
  return {
    of(dataset, version = dataset) {
      const name = `${dataset.topics.records.id} ${version.version}`;
      let door = doors.get(name);
      // The dataset around an old version may be newer than the one that the door was made with.
      if (door !== undefined && door.dataset.version === dataset.version) return door;
      door = createDoor(dataset, version, env);
      const { reason } = door.encoder;
      if (reason === "mismatch")
        logger.error("generated code failed its self-check, the slower way is used", { dataset: dataset.contract.name, version: version.version });
      if (reason === "forbidden") logger.warn("generated code is not allowed here, the slower way is used", { dataset: dataset.contract.name });
      if (doors.size >= doorsMax) doors.clear();
      doors.set(name, door);
      return door;
    },
  };
}

function createDoor(dataset: Dataset, version: { readonly contract: Contract; readonly version: number; readonly schemaId: number }, env: Env): Door {
  const { partitions } = dataset.topics.records;
  let judgedAt: number | undefined;
  const encoder = compileDoorEncoder(version.contract, { prefix: wireHeader(version.schemaId), now: () => judgedAt ?? env.now() });
  const { output } = encoder;
  // As Kafka's default partitioner chooses, without making a view of the key. What has no key is spread by its value, so that a repeat goes where it was.
  const hash =
    version.contract.key.length > 0
      ? () => murmur2(output.bytes, output.keyStart, output.keyEnd)
      : () => murmur2(output.bytes, output.start + wireHeaderBytes, output.end);
  return {
    dataset,
    contractVersion: version.version,
    partitions,
    targets: [...Array.from({ length: partitions }, (_, lane) => laneTarget(dataset, lane)), laneTarget(dataset, inboxLane)],
    encoder,
    lane: partitions === 1 ? () => 0 : () => (hash() & 0x7fffffff) % partitions,
    judgeAt(millis) {
      judgedAt = millis;
    },
  };
}
