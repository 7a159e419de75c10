import type { Contract } from "../contract.ts";
import type { FieldError } from "../records/faults.ts";
import type { Demand } from "../records/json-writer.ts";
import { keyPlanOf } from "../records/key-bytes.ts";
import { compileContractDemand } from "../records/max-ahead.ts";
import type { EncodedRecord, RecordEncoder, RecordEncoderOptions } from "../records/record-encoder.ts";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { tooSmall } from "./byte-writers.ts";
import type { EncodeInto } from "./emit-encode.ts";
import { generateEncode } from "./emit-encode.ts";
import type { ReadEnd, TranscodeInto } from "./emit-transcode.ts";
import { generateTranscode } from "./emit-transcode.ts";
import { newline, read, skipBlank, skipSpace, wordsOf } from "./json-bytes.ts";
import type { RecordNode } from "./plan.ts";
import { fixedBytes, planOf } from "./plan.ts";
import { samplesOf } from "./samples.ts";
import { canGenerate } from "./source.ts";

/** Where an encoded record and its key lie: no object is made for it. All of it is good until the next record. */
export interface EncodedSlices {
  readonly bytes: Uint8Array;
  /** Of the same memory. */
  readonly view: DataView;
  /** With the prefix. */
  readonly start: number;
  readonly end: number;
  readonly keyStart: number;
  readonly keyEnd: number;
}

/**
 * The encoder of the door: as `RecordEncoder`, with code generated for the contract's schema where the platform allows that and the schema is of
 * the usual kinds, and otherwise by way of `compileRecordEncoder`. Results and errors are the same either way.
 */
export interface DoorEncoder extends RecordEncoder {
  readonly way: "generated" | "compiled";
  /** Why the way is not `generated`; `mismatch` means that generated code failed its self-check, which is a bug worth a log line. */
  readonly reason: "none" | "forbidden" | "unsupported" | "mismatch";
  /** Of the last record that `encodeRecord` or `transcode` took. */
  readonly output: EncodedSlices;
  /** As `encode`, with the result in `output`; the errors of a record that is not as the contract says. */
  encodeRecord(json: unknown): readonly FieldError[] | undefined;
  /**
   * Encodes the record whose JSON text is `bytes[start, end)`, where `end` is at most the length, without parsing it into objects. True: the result is in
   * `output`, and is what `encode(JSON.parse(text))` gives. False says only that the text is not plain enough: parse it.
   */
  transcode(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * As `transcode`, of the line that begins at `start`, which need not be looked for first: gives the position of its newline, which may be `end` itself.
   * -1 where the line is not plain enough, or longer.
   */
  transcodeLine(bytes: Uint8Array, start: number, end: number): number;
}

export interface DoorEncoderOptions extends RecordEncoderOptions {
  /** Stands before each value in `output`, not in what `encode` gives: a wire header. */
  readonly prefix?: Uint8Array;
}

const capacityFirst = 4_096;

/** Compiles the door's encoder of a contract. */
export function compileDoorEncoder(contract: Contract, { prefix = new Uint8Array(0), now }: DoorEncoderOptions = {}): DoorEncoder {
  const demand = compileContractDemand(contract, now);
  const slow = compileRecordEncoder(contract, now === undefined ? {} : { now });
  const plan = planOf(contract.schema);
  if (plan === undefined) return new CompiledEncoder(slow, prefix, "unsupported");
  if (!canGenerate()) return new CompiledEncoder(slow, prefix, "forbidden");
  const generated = new GeneratedEncoder(contract, { plan, slow, prefix, demand });
  return agrees(generated, slow, plan) ? generated : new CompiledEncoder(slow, prefix, "mismatch");
}

class CompiledEncoder implements DoorEncoder {
  readonly way = "compiled";
  readonly reason: DoorEncoder["reason"];
  readonly output = new Slices();
  readonly #slow: RecordEncoder;
  readonly #prefix: Uint8Array;

  constructor(slow: RecordEncoder, prefix: Uint8Array, reason: DoorEncoder["reason"]) {
    this.#slow = slow;
    this.#prefix = prefix;
    this.reason = reason;
    this.output.grow(capacityFirst, prefix);
  }

  encode(json: unknown): EncodedRecord {
    return this.#slow.encode(json);
  }

  encodeRecord(json: unknown): readonly FieldError[] | undefined {
    return encodeSlowly(this.#slow, json, this.output, this.#prefix);
  }

  transcode(): boolean {
    return false;
  }

  transcodeLine(): number {
    return -1;
  }
}

class GeneratedEncoder implements DoorEncoder {
  readonly way = "generated";
  readonly reason = "none";
  readonly output = new Slices();
  readonly #slow: RecordEncoder;
  readonly #prefix: Uint8Array;
  readonly #textKey: boolean;
  readonly #marks: Int32Array;
  readonly #encode: EncodeInto;
  readonly #transcode: TranscodeInto;
  readonly #readEnd: ReadEnd = { position: 0 };

  constructor(
    contract: Contract,
    { plan, slow, prefix, demand }: { readonly plan: RecordNode; readonly slow: RecordEncoder; readonly prefix: Uint8Array; readonly demand: Demand },
  ) {
    this.#slow = slow;
    this.#prefix = prefix;
    this.#textKey = keyPlanOf(contract) === "text";
    this.#marks = new Int32Array(contract.key.length * 2);
    const options = { plan, demand, marks: this.#marks, keys: contract.key };
    this.#encode = generateEncode(options);
    this.#transcode = generateTranscode(options, this.#readEnd);
    this.output.grow(Math.max(capacityFirst, prefix.length + fixedBytes(plan) * 2), prefix);
  }

  encode(json: unknown): EncodedRecord {
    const errors = this.encodeRecord(json);
    if (errors !== undefined) return { kind: "invalid", errors };
    const { bytes, end, keyStart, keyEnd } = this.output;
    return { kind: "valid", value: bytes.subarray(this.#prefix.length, end), key: bytes.subarray(keyStart, keyEnd) };
  }

  encodeRecord(json: unknown): readonly FieldError[] | undefined {
    const { output } = this;
    let end = this.#encode(json, output.bytes, output.view, this.#prefix.length);
    while (end === tooSmall) {
      output.grow(output.bytes.length * 2, this.#prefix);
      end = this.#encode(json, output.bytes, output.view, this.#prefix.length);
    }
    // The slower way knows all faults by name; and it takes some objects that generated code does not, as those with properties that are undefined.
    if (end < 0) return encodeSlowly(this.#slow, json, output, this.#prefix);
    this.#finish(end);
    return undefined;
  }

  transcode(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.#read(bytes, start, end);
    if (last < 0 || skipSpace(bytes, this.#readEnd.position, end) !== end) return false;
    this.#finish(last);
    return true;
  }

  transcodeLine(bytes: Uint8Array, start: number, end: number): number {
    read.newline = false;
    const last = this.#read(bytes, start, end);
    if (last < 0 || read.newline) return -1;
    const position = skipBlank(bytes, this.#readEnd.position, end);
    if (position > end || bytes[position] !== newline) return -1;
    this.#finish(last);
    return position;
  }

  /** Where the output ends, or a negative number. */
  #read(bytes: Uint8Array, start: number, end: number): number {
    const { output } = this;
    const words = wordsOf(bytes);
    let last = this.#transcode(bytes, words, start, end, output.bytes, output.view, this.#prefix.length);
    while (last === tooSmall) {
      output.grow(output.bytes.length * 2, this.#prefix);
      last = this.#transcode(bytes, words, start, end, output.bytes, output.view, this.#prefix.length);
    }
    return last;
  }

  /** The key's fields lie within the value: one is its bytes as they are, several are put together behind it. */
  #finish(end: number): void {
    const marks = this.#marks;
    const { output } = this;
    output.end = end;
    if (marks.length === 2) {
      const start = marks[0] as number;
      output.keyStart = this.#textKey ? afterLength(output.bytes, start) : start;
      output.keyEnd = marks[1] as number;
      return;
    }
    output.keyStart = output.keyEnd = end;
    for (let index = 0; index < marks.length; index += 2) output.addKey(marks[index] as number, marks[index + 1] as number);
  }
}

class Slices implements EncodedSlices {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  readonly start = 0;
  end = 0;
  keyStart = 0;
  keyEnd = 0;

  /** A new buffer of at least so many bytes, which begins with what is kept. */
  grow(bytes: number, kept: Uint8Array): void {
    this.bytes = new Uint8Array(Math.max(bytes, kept.length + 32));
    this.bytes.set(kept);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Puts a part of the value behind the key. */
  addKey(start: number, end: number): void {
    const { bytes, keyEnd } = this;
    this.keyEnd += end - start;
    if (this.keyEnd > bytes.length) this.grow(this.keyEnd * 2, bytes);
    this.bytes.copyWithin(keyEnd, start, end);
  }
}

function encodeSlowly(slow: RecordEncoder, json: unknown, output: Slices, prefix: Uint8Array): readonly FieldError[] | undefined {
  const result = slow.encode(json);
  if (result.kind === "invalid") return result.errors;
  const { value, key } = result;
  output.end = output.keyStart = prefix.length + value.length;
  output.keyEnd = output.end + key.length;
  if (output.keyEnd > output.bytes.length) output.grow(output.keyEnd * 2, prefix);
  output.bytes.set(value, prefix.length);
  output.bytes.set(key, output.end);
  return undefined;
}

/** Where the text starts whose length is the varint at `position`. */
function afterLength(bytes: Uint8Array, position: number): number {
  let index = position;
  while ((bytes[index] as number) > 127) index++;
  return index + 1;
}

/** Whether generated code gives the slower way's bytes for some records, as objects and as texts. */
function agrees(generated: DoorEncoder, slow: RecordEncoder, plan: RecordNode): boolean {
  const utf8 = new TextEncoder();
  try {
    for (const sample of samplesOf(plan)) {
      const text = utf8.encode(JSON.stringify(sample));
      const json: unknown = JSON.parse(JSON.stringify(sample));
      const expected = slow.encode(json);
      if (expected.kind === "invalid") {
        if (generated.encodeRecord(json) === undefined || generated.transcode(text, 0, text.length)) return false;
        continue;
      }
      const value = expected.value.slice();
      const key = expected.key.slice();
      const same = () => isSame(generated.output, value, key);
      if (generated.encodeRecord(json) !== undefined || !same()) return false;
      if (generated.transcode(text, 0, text.length) && !same()) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function isSame({ bytes, end, keyStart, keyEnd }: EncodedSlices, value: Uint8Array, key: Uint8Array): boolean {
  return isEqual(bytes.subarray(end - value.length, end), value) && isEqual(bytes.subarray(keyStart, keyEnd), key);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
