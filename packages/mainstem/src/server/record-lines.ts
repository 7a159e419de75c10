import { compileDecoder, compileToJson, type Contract } from "@mainstem/contract";
import { RecordCursor, type FetchedBatch } from "../log/index.ts";
import type { Registry } from "../registry/index.ts";
import { MainstemError, toErrorValue } from "../runtime/errors.ts";
import { toJson, toTime } from "./json.ts";

/** How many writer's schemas are kept compiled. */
const readersMax = 1_000;

/** Makes the lines that the records route answers with. */
export interface RecordLines {
  /** The records of a batch from `offset` on, at most `limit`, a line each. A record that cannot be read gets a line with `error` in place of `value`. */
  of(
    batch: FetchedBatch,
    place: { readonly contract: Contract; readonly partition: number; readonly from: number; readonly limit: number },
  ): AsyncIterable<string>;
}

interface Reader {
  toValue(bytes: Uint8Array, start: number, end: number): Record<string, unknown>;
}

export function createRecordLines(registry: Registry): RecordLines {
  const readers = new Map<number, Reader>();

  async function readerOf(schemaId: number): Promise<Reader> {
    let reader = readers.get(schemaId);
    if (reader !== undefined) return reader;
    const writer = await registry.schema(schemaId);
    if (writer === undefined) throw new MainstemError("avro.malformed", `The record names schema ${schemaId}, which was never given out.`, { schemaId });
    const decode = compileDecoder({ writer, reader: writer });
    const toValue = compileToJson(writer);
    reader = { toValue: (bytes, start, end) => toValue(decode(bytes, start, end)) as Record<string, unknown> };
    if (readers.size >= readersMax) readers.clear();
    readers.set(schemaId, reader);
    return reader;
  }

  return {
    async *of(batch, { contract, partition, from, limit }) {
      const cursor = new RecordCursor(batch);
      for (let count = 0; count < limit && cursor.next();) {
        if (cursor.offset < from) continue;
        count++;
        const place = { partition, offset: cursor.offset, timestamp: toTime(cursor.timestamp) };
        const known = readers.get(schemaIdOf(cursor));
        try {
          const value =
            cursor.valueStart < 0 ? null : (known ?? (await readerOf(requireSchemaId(cursor)))).toValue(cursor.bytes, cursor.valueStart + 5, cursor.valueEnd);
          yield `${toJson({ ...place, key: value === null ? keyText(cursor.key()) : keyOf(contract, value), value })}\n`;
        } catch (error) {
          const { code, message } = toErrorValue(error);
          yield `${toJson({ ...place, key: keyText(cursor.key()), error: { code, message } })}\n`;
        }
      }
    },
  };
}

/** The schema id of a value in the Confluent wire format; -1 when it is none. */
function schemaIdOf({ bytes, valueStart, valueEnd }: RecordCursor): number {
  if (valueEnd - valueStart < 5 || bytes[valueStart] !== 0) return -1;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(valueStart + 1);
}

function requireSchemaId(cursor: RecordCursor): number {
  const schemaId = schemaIdOf(cursor);
  if (schemaId < 0) throw new MainstemError("avro.malformed", "The value does not begin with a zero byte and a schema id.");
  return schemaId;
}

/** The value of a single key field, else an object of the key fields. */
function keyOf({ key }: Contract, value: Record<string, unknown>): unknown {
  const [first = "", ...others] = key;
  return others.length === 0 ? value[first] : Object.fromEntries(key.map((field) => [field, value[field]]));
}

/** Raw key bytes as a person can read them: text where they are UTF-8, else base64. */
function keyText(key: Uint8Array | null): string | null {
  if (key === null) return null;
  const bytes = Buffer.from(key);
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? bytes.toString("base64") : text;
}
