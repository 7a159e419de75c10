import { compileRecordEncoder, partitionOf, type Contract } from "@mainstem/contract";
import type { TopicPartition } from "../log/index.ts";
import type { Dataset } from "../registry/index.ts";
import { inboxLane, laneTarget } from "./key-index.ts";

/** Bytes before the Avro value: a zero byte and the schema id. */
export const wirePrefixBytes = 5;
/** How many dataset versions are kept compiled. */
const doorsMax = 1_000;

/** What the records of one version of a dataset are judged and encoded with. */
export interface Door {
  readonly dataset: Dataset;
  readonly contractVersion: number;
  readonly partitions: number;
  /** A lane each: the partitions, then the inbox. */
  readonly targets: readonly TopicPartition[];
  readonly encode: ReturnType<typeof compileRecordEncoder>["encode"];
  /** The Confluent wire format of an encoded value; a view that is valid until the next call. */
  toWire(value: Uint8Array): Uint8Array;
  laneOf(key: Uint8Array): number;
}

export interface Doors {
  /** The door of a version of the dataset's contract; by default of the current one. */
  of(dataset: Dataset, version?: { readonly contract: Contract; readonly version: number; readonly schemaId: number }): Door;
}

/** Compiles a door once for each dataset version. */
export function createDoors(): Doors {
  const doors = new Map<string, Door>();
  return {
    of(dataset, version = dataset) {
      const name = `${dataset.topics.records.id} ${version.version}`;
      let door = doors.get(name);
      // The dataset around an old version may be newer than the one that the door was made with.
      if (door !== undefined && door.dataset.version === dataset.version) return door;
      door = createDoor(dataset, version);
      if (doors.size >= doorsMax) doors.clear();
      doors.set(name, door);
      return door;
    },
  };
}

function createDoor(dataset: Dataset, version: { readonly contract: Contract; readonly version: number; readonly schemaId: number }): Door {
  const { partitions } = dataset.topics.records;
  const encoder = compileRecordEncoder(version.contract);
  let wire = createWire(4_096, version.schemaId);
  return {
    dataset,
    contractVersion: version.version,
    partitions,
    targets: [...Array.from({ length: partitions }, (_, lane) => laneTarget(dataset, lane)), laneTarget(dataset, inboxLane)],
    encode: (json) => encoder.encode(json),
    toWire(value) {
      const length = wirePrefixBytes + value.length;
      if (length > wire.length) wire = createWire(length * 2, version.schemaId);
      wire.set(value, wirePrefixBytes);
      return wire.subarray(0, length);
    },
    laneOf: partitions === 1 ? () => 0 : (key) => partitionOf(key, partitions),
  };
}

function createWire(bytes: number, schemaId: number): Buffer {
  const wire = Buffer.alloc(bytes);
  wire.writeUInt32BE(schemaId, 1);
  return wire;
}
