import { deflateRawSync, inflateRawSync, zstdDecompressSync } from "node:zlib";
import {
  attributeOf,
  ByteSink,
  ByteSource,
  CodedError,
  compileReader,
  compileResolvingReader,
  compileWriter,
  containerBlocks,
  decodeContainerHeader,
  encodeContainerBlock,
  encodeContainerHeader,
  isUnion,
  parseAvroRecordSchema,
  schemaText,
  unwrapNullable,
  type AvroRecordSchema,
  type AvroSchema,
  type AvroTypeSchema,
} from "@mainstem/contract";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { icebergLimits } from "./limits.ts";

/** An Avro container file that was read whole. */
export interface AvroFile {
  readonly schema: AvroRecordSchema;
  /** The texts of the header, such as `partition-spec-id`. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly rows: readonly AvroRow[];
}
export type AvroRow = Readonly<Record<string, unknown>>;

/** Writes rows (values as `compileWriter` takes them) as an Avro container file with codec deflate, which every reader of Iceberg knows. */
export function writeAvroFile(options: {
  /** Avro JSON, with Iceberg's field ids. */
  readonly schema: unknown;
  readonly rows: Iterable<unknown>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly env: Pick<Env, "random">;
}): Uint8Array {
  const schema = parseAvroRecordSchema(options.schema);
  const sync = options.env.random(16);
  const write = compileWriter(schema);
  const parts: Uint8Array[] = [encodeContainerHeader({ schemaText: schemaText(schema), codec: "deflate", sync, metadata: options.metadata })];
  const sink = new ByteSink(icebergLimits.blockBytes);
  let count = 0;
  const flush = (): void => {
    if (count > 0) parts.push(encodeContainerBlock({ count, data: deflateRawSync(sink.view()), sync }));
    sink.reset();
    count = 0;
  };
  for (const row of options.rows) {
    write(row, sink);
    count += 1;
    if (sink.position >= icebergLimits.blockBytes) flush();
  }
  flush();
  return Buffer.concat(parts);
}

/**
 * Reads an Avro container file of any writer, or of its rows what `reader` leaves of the writer's schema, which must be no bytes. Throws `table.corrupt`, naming the object, for what is damaged, `table.unsupported` for an unknown codec.
 */
export function readAvroFile(
  bytes: Uint8Array,
  { key, reader }: { readonly key: string; readonly reader?: (writer: AvroRecordSchema) => AvroRecordSchema },
): AvroFile {
  try {
    const { header, next } = decodeContainerHeader(bytes);
    const schema = header.schema;
    if (isUnion(schema) || schema.type !== "record") throw corrupt(key, "its rows are no records");
    const read = reader === undefined ? compileReader(schema) : compileResolvingReader({ writer: schema, reader: reader(schema) }, readOrSkip);
    const rows: AvroRow[] = [];
    for (const block of containerBlocks(bytes, { header, next })) {
      const source = new ByteSource(decompress(block.data, { codec: header.codec, key }));
      for (let index = 0; index < block.count; index += 1) {
        const before = source.position;
        rows.push(read(source) as AvroRow);
        // Rows without bytes could be claimed without end.
        if (source.position === before) throw corrupt(key, "it claims rows that have no bytes");
      }
      if (source.remaining > 0) throw corrupt(key, "a block has more bytes than its rows take");
    }
    const metadata = new Map(Array.from(header.metadata, ([name, value]) => [name, Buffer.from(value).toString("utf8")]));
    return { schema, metadata, rows };
  } catch (error) {
    if (!(error instanceof CodedError) || !error.code.startsWith("avro.")) throw error;
    throw corrupt(key, "it was cut or changed", error);
  }
}

/** Bytes, which are most of a manifest, are passed over without a copy. */
function readOrSkip(writer: AvroTypeSchema, reader: AvroTypeSchema): ReturnType<typeof compileReader> | undefined {
  if (writer.type !== reader.type) return undefined;
  return writer.type === "bytes" ? (source) => void source.take(source.readLength()) : compileReader(writer);
}

/** The names of a record's fields by Iceberg's field id; by their standard name where the writer left the ids out. */
export function namesById(schema: AvroRecordSchema, standard: Readonly<Record<string, number>> = {}): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const field of schema.fields) {
    const id = attributeOf(field, "field-id") ?? standard[field.name];
    if (typeof id === "number") names.set(id, field.name);
  }
  return names;
}

/** The record that a field holds, itself or where it is not null. */
export function recordOf(schema: AvroRecordSchema, name: string | undefined): AvroRecordSchema | undefined {
  const field = schema.fields.find((candidate) => candidate.name === name);
  const type: AvroSchema | undefined = field === undefined ? undefined : unwrapNullable(field.type)?.type;
  return type?.type === "record" ? type : undefined;
}

export function corrupt(key: string, why: string, cause?: unknown): MainstemError {
  return new MainstemError("table.corrupt", `Object ${key} cannot be read as metadata of a table: ${why}.`, { key }, { cause });
}

function decompress(data: Uint8Array, { codec, key }: { readonly codec: string; readonly key: string }): Uint8Array {
  const maxOutputLength = icebergLimits.blockBytesMax;
  try {
    if (codec === "null") return data;
    if (codec === "deflate") return inflateRawSync(data, { maxOutputLength });
    if (codec === "zstandard") return zstdDecompressSync(data, { maxOutputLength });
  } catch (error) {
    throw corrupt(key, `a block is not ${codec}, or larger than ${maxOutputLength} bytes`, error);
  }
  throw new MainstemError("table.unsupported", `Object ${key} is compressed with ${codec}; null, deflate and zstandard are read here.`, { key, codec });
}
