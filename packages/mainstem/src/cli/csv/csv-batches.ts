import type { AvroRecordSchema } from "@mainstem/contract";
import { CliFailure } from "../failure.ts";
import type { RecordBatch } from "../record-batch.ts";
import type { Refused } from "../refusals.ts";
import { createCsvReader, type CsvRecord } from "./csv-records.ts";
import { compileCsvRow } from "./csv-rows.ts";

export interface CsvOptions {
  readonly dataset: string;
  readonly schema: AvroRecordSchema;
  readonly delimiter: string;
  readonly nullText: string;
  /** A batch is given as soon as it has this many bytes. */
  readonly batchBytes: number;
  readonly recordBytesMax: number;
  /** A line that makes no record: `index` is its number, from 1. */
  readonly onRefused: (refused: Refused) => void;
}

/**
 * Rows of a CSV file as batches of NDJSON; a place is the number of the line in which a record begins, from 1.
 * Holds one batch, one record and one chunk at a time, whatever the input. Errors: `cli.csv` where the header row cannot be used.
 */
export async function* readCsvBatches(source: AsyncIterable<Uint8Array>, options: CsvOptions): AsyncGenerator<RecordBatch> {
  const reader = createCsvReader(options);
  const rows = createRows(options);
  let first = true;
  for await (const chunk of source) {
    if (first) refuseOtherEncodings(chunk);
    first = false;
    for (const record of reader.push(chunk)) {
      rows.add(record);
      if (rows.bytes() >= options.batchBytes) yield rows.take();
    }
    rows.read(chunk.length);
  }
  for (const record of reader.end()) rows.add(record);
  if (rows.bytes() > 0) yield rows.take();
}

function createRows({ dataset, schema, nullText, onRefused }: CsvOptions): {
  add(record: CsvRecord): void;
  /** So much of the source was looked at. */
  read(bytes: number): void;
  bytes(): number;
  take(): RecordBatch;
} {
  let toRecord: ReturnType<typeof compileCsvRow> | undefined;
  let columns = 0;
  let lines: string[] = [];
  let places: number[] = [];
  let bytes = 0;
  let sourceBytes = 0;
  const refuse = (line: number, expected: string, received: string): void =>
    onRefused({ index: line, code: "cli.csv", errors: [{ path: "", expected, received }] });
  return {
    add(record) {
      if (toRecord === undefined) {
        if (record.kind === "fault")
          throw new CliFailure("cli.csv", `The header row in line ${record.line} cannot be read: expected ${record.expected}, received ${record.received}.`);
        toRecord = compileCsvRow(schema, record.texts, { dataset, nullText });
        columns = record.texts.length;
        return;
      }
      if (record.kind === "fault") return refuse(record.line, record.expected, record.received);
      if (record.texts.length !== columns) return refuse(record.line, `${columns} fields, as in the header row`, `${record.texts.length}`);
      const text = `${JSON.stringify(toRecord(record.texts, record.quoted))}\n`;
      lines.push(text);
      places.push(record.line);
      bytes += text.length;
    },
    read: (count) => void (sourceBytes += count),
    bytes: () => bytes,
    take() {
      const taken = places;
      const batch = { bytes: Buffer.from(lines.join("")), records: taken.length, sourceBytes, placeOf: (index: number) => taken[index] ?? 0 };
      lines = [];
      places = [];
      bytes = 0;
      sourceBytes = 0;
      return batch;
    },
  };
}

function refuseOtherEncodings(chunk: Uint8Array): void {
  const [first, second] = chunk;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw new CliFailure("cli.csv", "The file is in UTF-16.", { remedy: "Turn it into UTF-8 first: iconv -f UTF-16 -t UTF-8 FILE | mainstem send …" });
}
