import { createHash } from "node:crypto";
import {
  CodedError,
  decodeContainerHeader,
  encodeContainerHeader,
  formatExact,
  parseAvroRecordSchema,
  parseExact,
  toSchemaJson,
  type AvroRecordSchema,
  type ContainerHeader,
} from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import { refuseNewerVersion } from "../runtime/formats.ts";
import type { Offset, TopicPartition } from "../log/index.ts";
import type { ChainEntry } from "./chunk.ts";
import { envelopeSchema } from "./envelope.ts";

/** The codec's name in the Avro specification. */
export const chunkCodec = "zstandard";
export const syncBytes = 16;
const formatVersion = "1";
const schemaText = JSON.stringify(envelopeSchema);

/** The 16 bytes that end every block: the same for every chunk that begins at this position, so that equal records make equal files. */
export function syncMarker({ topicId, partition }: TopicPartition, start: Offset): Uint8Array {
  return createHash("sha256").update(`mainstem chunk ${topicId}/${partition}/${start}`).digest().subarray(0, syncBytes);
}

/** The header of a chunk's container file (docs/formats/chunk.md). `schemas`: the writer's schema of every id that occurs. */
export function encodeChunkHeader(chunk: {
  readonly of: TopicPartition;
  readonly start: Offset;
  readonly next: Offset;
  readonly schemas: ReadonlyMap<number, AvroRecordSchema>;
}): Uint8Array {
  const { of, start, next, schemas } = chunk;
  const metadata = {
    "mainstem.format": formatVersion,
    "mainstem.topic": of.topic,
    "mainstem.topicId": of.topicId,
    "mainstem.partition": String(of.partition),
    "mainstem.start": String(start),
    "mainstem.next": String(next),
    "mainstem.schemas": formatExact(Object.fromEntries([...schemas].map(([id, schema]) => [id, toSchemaJson(schema)]))),
  };
  return encodeContainerHeader({ schemaText, codec: chunkCodec, sync: syncMarker(of, start), metadata });
}

export interface ChunkHeader {
  /** The writers' schemas by the id in the values' wire headers. */
  readonly schemas: ReadonlyMap<number, AvroRecordSchema>;
  readonly sync: Uint8Array;
  /** Where the first block begins. */
  readonly blocksStart: number;
}

/** Reads the header at the beginning of `bytes`. Throws `archive.corrupt`, naming the object, when it is not the header of the entry's chunk. */
export function decodeChunkHeader(bytes: Uint8Array, entry: ChainEntry): ChunkHeader {
  try {
    const { header, next } = decodeContainerHeader(bytes);
    return { schemas: readChunkMetadata(header, entry), sync: header.sync, blocksStart: next };
  } catch (error) {
    throw toChunkError(error, entry);
  }
}

/** The schemas in a header's metadata, once it is certain that the header belongs to the entry's chunk. */
export function readChunkMetadata({ metadata, schemaText: found }: ContainerHeader, entry: ChainEntry): ReadonlyMap<number, AvroRecordSchema> {
  const text = (key: string): string => Buffer.from(metadata.get(key) ?? []).toString("utf8");
  refuseNewerVersion(Number(text("mainstem.format")), { code: "archive.newer", what: `Chunk ${entry.path}`, known: Number(formatVersion) });
  if (text("mainstem.format") !== formatVersion) throw chunkCorrupt(entry, `its format version ${JSON.stringify(text("mainstem.format"))} is not known`);
  if (found !== schemaText || text("avro.codec") !== chunkCodec) throw chunkCorrupt(entry, "its schema or codec is not that of a chunk");
  if (text("mainstem.start") !== String(entry.start) || text("mainstem.next") !== String(entry.next)) throw chunkCorrupt(entry, "it covers other offsets");
  const schemas = parseJson(text("mainstem.schemas"));
  if (typeof schemas !== "object" || schemas === null) throw chunkCorrupt(entry, "its schemas are not JSON");
  return new Map(Object.entries(schemas).map(([id, schema]) => [Number(id), parseAvroRecordSchema(schema)]));
}

function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

/** The error of a data object that is not what its chain entry vouches for. */
export function chunkCorrupt(entry: ChainEntry, what: string, cause?: unknown): MainstemError {
  const key = entry.path ?? "";
  return new MainstemError("archive.corrupt", `Chunk ${key} is damaged: ${what}.`, { key, start: entry.start, next: entry.next }, { cause });
}

/** What a reader of containers or schemas found wrong, as the error of the chunk; any other error as it is. */
export function toChunkError(error: unknown, entry: ChainEntry): unknown {
  return error instanceof CodedError && (error.code === "avro.malformed" || error.code === "avro.schema") ? chunkCorrupt(entry, error.message, error) : error;
}
