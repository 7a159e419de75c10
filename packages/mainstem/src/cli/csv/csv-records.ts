import { isUtf8 } from "node:buffer";

/** One record of a CSV file, or a place where there should be one. `line` counts from 1: where the record begins. */
export type CsvRecord =
  | { readonly kind: "record"; readonly line: number; readonly texts: readonly string[]; readonly quoted: readonly boolean[] }
  | { readonly kind: "fault"; readonly line: number; readonly expected: string; readonly received: string };

export interface CsvRecordOptions {
  /** One ASCII character. */
  readonly delimiter: string;
  /** A longer record is a fault. This much is held at most, and one chunk of the source. */
  readonly recordBytesMax: number;
}

/** Reads the records of a CSV file from its bytes as they come. */
export interface CsvReader {
  push(chunk: Uint8Array): readonly CsvRecord[];
  /** What is left when the file has ended. */
  end(): readonly CsvRecord[];
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);
const nothing: Buffer = Buffer.alloc(0);
const unquoted: readonly boolean[] = [];

/**
 * CSV after RFC 4180: fields in quotes may hold delimiters, line ends and doubled quotes; lines end with LF or CRLF; blank lines count for
 * nothing; a byte order mark is skipped. Text is UTF-8.
 *
 * What breaks these rules is a fault at its line, and reading goes on in the line after that: a quote that is never closed costs one record,
 * not the rest of the file.
 */
export function createCsvReader({ delimiter, recordBytesMax }: CsvRecordOptions): CsvReader {
  const separator = delimiter.charCodeAt(0);
  let pending = nothing;
  let line = 1;
  let begun = false;
  // In a line that was given up and whose end has not come yet.
  let skipping = false;

  /** Takes every whole record; the beginning of the next one stays. */
  const drain = (final: boolean): readonly CsvRecord[] => {
    const records: CsvRecord[] = [];
    let start = 0;
    if (!begun) {
      if (pending.length < byteOrderMark.length && !final) return records;
      begun = true;
      if (pending.subarray(0, byteOrderMark.length).equals(byteOrderMark)) start = byteOrderMark.length;
    }
    while (start < pending.length) {
      const lineEnd = pending.indexOf(newline, start);
      if (skipping) {
        if (lineEnd === -1) break;
        skipping = false;
        start = lineEnd + 1;
        line++;
        continue;
      }
      const found = scanRecord(pending, { start, lineEnd, separator, final });
      const bytes = (found.kind === "more" ? pending.length : found.next) - start;
      const record: Scanned = bytes > recordBytesMax ? { kind: "fault", next: start, ...tooLong(recordBytesMax) } : found;
      switch (record.kind) {
        case "more":
          pending = pending.subarray(start);
          return records;
        case "blank":
          line++;
          start = record.next;
          break;
        case "record":
          records.push({ kind: "record", line, texts: record.texts, quoted: record.quoted });
          line += countLines(pending, { start, end: record.next });
          start = record.next;
          break;
        case "fault":
          records.push({ kind: "fault", line, expected: record.expected, received: record.received });
          skipping = lineEnd === -1;
          if (!skipping) line++;
          start = skipping ? pending.length : lineEnd + 1;
          break;
        default:
          return record satisfies never;
      }
    }
    pending = nothing;
    return records;
  };

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
      return drain(false);
    },
    end: () => drain(true),
  };
}

type Scanned =
  | { readonly kind: "record"; readonly next: number; readonly texts: readonly string[]; readonly quoted: readonly boolean[] }
  | { readonly kind: "blank"; readonly next: number }
  | Fault
  /** Its end has not come yet. */
  | { readonly kind: "more" };

interface Fault {
  readonly kind: "fault";
  /** Without meaning: the line is given up. */
  readonly next: number;
  readonly expected: string;
  readonly received: string;
}

interface Place {
  readonly start: number;
  /** Of the line feed after `start`, or -1. */
  readonly lineEnd: number;
  readonly separator: number;
  readonly final: boolean;
}

const notUtf8: Fault = { kind: "fault", next: 0, expected: "text in UTF-8", received: "other bytes" };

function tooLong(bytesMax: number): Pick<Fault, "expected" | "received"> {
  return { expected: `a record of at most ${bytesMax} bytes`, received: "more, perhaps for a quote that is not closed" };
}

function scanRecord(bytes: Buffer, place: Place): Scanned {
  const { start, lineEnd, separator, final } = place;
  if (lineEnd === -1 && !final) return { kind: "more" };
  const end = lineEnd === -1 ? bytes.length : lineEnd;
  const line = bytes.subarray(start, end);
  if (line.includes(quote)) return scanQuoted(bytes, place);
  const next = lineEnd === -1 ? end : end + 1;
  const content = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
  if (content.length === 0) return { kind: "blank", next };
  if (!isUtf8(content)) return notUtf8;
  return { kind: "record", next, texts: content.toString().split(String.fromCharCode(separator)), quoted: unquoted };
}

/** The slow way, field by field. */
function scanQuoted(bytes: Buffer, { start, separator, final }: Place): Scanned {
  const texts: string[] = [];
  const quoted: boolean[] = [];
  for (let at = start; ; at++) {
    const field = bytes[at] === quote ? scanField(bytes, { at, final }) : scanBareField(bytes, { at, separator, final });
    if (field.kind !== "field") return field;
    texts.push(field.text);
    quoted.push(field.quoted);
    at = field.end;
    if (at < bytes.length && bytes[at] === separator) continue;
    if (bytes[at] === carriageReturn && (at + 1 === bytes.length || bytes[at + 1] === newline)) at++;
    if (at >= bytes.length) return final ? { kind: "record", next: bytes.length, texts, quoted } : { kind: "more" };
    if (bytes[at] === newline) return { kind: "record", next: at + 1, texts, quoted };
    return { kind: "fault", next: 0, expected: "a delimiter or the end of the line after a closing quote", received: show(bytes, at) };
  }
}

type Field = { readonly kind: "field"; readonly text: string; readonly quoted: boolean; readonly end: number } | Fault | { readonly kind: "more" };

/** The field in quotes that begins at `at`. */
function scanField(bytes: Buffer, { at, final }: { readonly at: number; readonly final: boolean }): Field {
  let doubled = false;
  for (let from = at + 1; ;) {
    const close = bytes.indexOf(quote, from);
    // The byte after a quote tells whether it closes.
    if (close === -1 || (close + 1 === bytes.length && !final))
      return final ? { kind: "fault", next: 0, expected: "a closing quote", received: "the end of the file" } : { kind: "more" };
    if (bytes[close + 1] === quote) {
      doubled = true;
      from = close + 2;
      continue;
    }
    const content = bytes.subarray(at + 1, close);
    if (!isUtf8(content)) return notUtf8;
    const text = content.toString();
    return { kind: "field", text: doubled ? text.replaceAll('""', '"') : text, quoted: true, end: close + 1 };
  }
}

function scanBareField(bytes: Buffer, { at, separator, final }: { readonly at: number; readonly separator: number; readonly final: boolean }): Field {
  let end = at;
  for (; end < bytes.length && bytes[end] !== separator && bytes[end] !== newline; end++)
    if (bytes[end] === quote) return { kind: "fault", next: 0, expected: "quotes around a whole field, and doubled inside", received: show(bytes, at) };
  // A character may be cut there.
  if (end === bytes.length && !final) return { kind: "more" };
  if (bytes[end - 1] === carriageReturn && end > at && (end === bytes.length || bytes[end] === newline)) end--;
  const content = bytes.subarray(at, end);
  return isUtf8(content) ? { kind: "field", text: content.toString(), quoted: false, end } : notUtf8;
}

function show(bytes: Buffer, at: number): string {
  const line =
    bytes
      .subarray(at, at + 40)
      .toString("latin1")
      .split("\n", 1)[0] ?? "";
  return JSON.stringify(line.length > 24 ? `${line.slice(0, 24)}…` : line);
}

function countLines(bytes: Buffer, { start, end }: { readonly start: number; readonly end: number }): number {
  let count = 0;
  for (let at = bytes.indexOf(newline, start); at !== -1 && at < end; at = bytes.indexOf(newline, at + 1)) count++;
  return count;
}
