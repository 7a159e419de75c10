import { compileDecoder, compileToJson, ContractError, wireHeaderBytes, wireSchemaId, type AvroRecordSchema, type Contract } from "@mainstem/contract";
import { RecordCursor, type FetchedBatch } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import { MainstemError, toErrorValue } from "../runtime/errors.ts";
import { toJson, toTime } from "./json.ts";

/** How many writer's schemas of one dataset are kept compiled. */
const readersMax = 1_000;

/**
 * Makes the lines that the records route answers with: every record as the contract in force has it, under its names and with its defaults, whatever it
 * was written with. What another program wrote with a schema that the contract cannot read is shown as it was written.
 */
export interface RecordLines {
  /** The records of a batch from `offset` on, at most `limit`, a line each. A record that cannot be read gets a line with `error` in place of `value`. */
  of(
    batch: FetchedBatch,
    place: { readonly dataset: Dataset; readonly partition: number; readonly from: number; readonly limit: number },
  ): AsyncIterable<string>;
}

interface Reader {
  readonly contract: Contract;
  toValue(bytes: Uint8Array, start: number, end: number): Record<string, unknown>;
}

/** The readers of a dataset's records, by schema id, for one version of its contract. */
interface Readers {
  readonly version: number;
  readonly contract: Contract;
  readonly byId: Map<number, Reader>;
}

export function createRecordLines(registry: Registry): RecordLines {
  const datasets = new Map<string, Readers>();

  /** Those of the newest version that was seen. */
  function readersOf({ contract, version }: Dataset): Readers {
    const known = datasets.get(contract.name);
    if (known !== undefined && known.version >= version) return known;
    const readers = { version, contract, byId: new Map<number, Reader>() };
    datasets.set(contract.name, readers);
    return readers;
  }

  /** Of a schema that was not met before: it may be that of a newer contract. */
  async function newReader(schemaId: number, name: string): Promise<Reader> {
    const writer = await registry.schema(schemaId);
    if (writer === undefined) throw new MainstemError("avro.malformed", `The record names schema ${schemaId}, which was never given out.`, { schemaId });
    const { byId, contract } = readersOf(await registry.require(name));
    if (byId.size >= readersMax) byId.clear();
    const reader = compileReader(writer, contract);
    byId.set(schemaId, reader);
    return reader;
  }

  return {
    async *of(batch, { dataset, partition, from, limit }) {
      const { name } = dataset.contract;
      const cursor = new RecordCursor(batch);
      for (let count = 0; count < limit && cursor.next();) {
        if (cursor.offset < from) continue;
        count++;
        const place = { partition, offset: cursor.offset, timestamp: toTime(cursor.timestamp) };
        try {
          if (cursor.valueStart < 0) {
            yield `${toJson({ ...place, key: keyText(cursor.key()), value: null })}\n`;
            continue;
          }
          const schemaId = requireSchemaId(cursor);
          const reader = readersOf(dataset).byId.get(schemaId) ?? (await newReader(schemaId, name));
          const value = reader.toValue(cursor.bytes, cursor.valueStart + wireHeaderBytes, cursor.valueEnd);
          yield `${toJson({ ...place, key: keyOf(reader.contract, value), value })}\n`;
        } catch (error) {
          const { code, message } = toErrorValue(error);
          yield `${toJson({ ...place, key: keyText(cursor.key()), error: { code, message } })}\n`;
        }
      }
    },
  };
}

function compileReader(writer: AvroRecordSchema, contract: Contract): Reader {
  const [decode, reader] = resolve(writer, contract.schema);
  const toValue = compileToJson(reader);
  return { contract, toValue: (bytes, start, end) => toValue(decode(bytes, start, end)) as Record<string, unknown> };
}

function resolve(writer: AvroRecordSchema, contract: AvroRecordSchema): readonly [ReturnType<typeof compileDecoder>, AvroRecordSchema] {
  try {
    return [compileDecoder({ writer, reader: contract }), contract];
  } catch (error) {
    if (!(error instanceof ContractError) || error.code !== "contract.incompatible") throw error;
    return [compileDecoder({ writer, reader: writer }), writer];
  }
}

function requireSchemaId({ bytes, valueStart, valueEnd }: RecordCursor): number {
  const schemaId = wireSchemaId(bytes, valueStart, valueEnd);
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
