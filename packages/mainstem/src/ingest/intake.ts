import type { FieldError } from "@mainstem/contract";
import type { RecordHeader } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import { nestsDeeper } from "./depth.ts";
import type { Door } from "./door.ts";
import { toInboxEntry } from "./inbox-entry.ts";
import { isJson } from "./is-json.ts";
import { recordBytes, recordBytesOf, type Lanes } from "./lanes.ts";
import type { LineSink } from "./line-splitter.ts";
import { RefusedList, type RecordCode } from "./refused-list.ts";

/** Records longer than this are searched for deep nesting before they are parsed; shorter ones cannot cost much, so only if they are refused. */
const quickBytesMax = 1_024;
/** After so many lines that are not JSON the next ones are checked without exceptions, which are dear, before they are parsed. */
const exceptionsMax = 100;
/** Lines that are plain are not longer than this. */
const plainBytesMax = 8_192;
/** How much of a text that is not JSON an error shows. */
const shownMax = 64;

export interface IntakeOptions {
  readonly door: Door;
  readonly lanes: Lanes;
  readonly invalid: "refuse" | "inbox";
  /** Names the request in the ids of inbox entries; asked for once, by the first of them. */
  readonly requestId: () => string;
  readonly headers: readonly RecordHeader[];
  /** Of a batch's records section. */
  readonly batchBytesMax: number;
  readonly recordBytesMax: number;
  readonly now: () => number;
  /** The time that records are judged at; by default the clock's. */
  readonly judgedAt: number | undefined;
}

/**
 * The records of one request, judged and handed on one by one, in order, without waiting: valid ones go into the lane of their partition,
 * the others are refused or go into the inbox's lane.
 */
export class Intake implements LineSink {
  /** Records seen so far. */
  records = 0;
  valid = 0;
  quarantined = 0;
  readonly refused = new RefusedList({ countMax: limits.refusedNamedMax, bytesMax: limits.refusedBytesMax });
  readonly #options: IntakeOptions;
  #notJson = 0;
  #requestId: string | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  plainLines(bytes: Buffer, start: number, end: number, lineBytesMax: number): number {
    if (this.#notJson >= exceptionsMax) return start;
    const { door, lanes, judgedAt, headers } = this.#options;
    const { encoder } = door;
    const { output } = encoder;
    const longest = Math.min(plainBytesMax, lineBytesMax);
    const isBare = headers.length === 0;
    door.judgeAt(judgedAt);
    let from = start;
    let taken = 0;
    while (from <= end) {
      const newline = encoder.transcodeLine(bytes, from, Math.min(end, from + longest));
      if (newline < 0) break;
      if (isBare && lanes.addSlices(door.lane(), output)) taken++;
      else {
        this.#count(taken);
        taken = 0;
        this.#take(bytes, from, newline);
      }
      from = newline + 1;
    }
    this.#count(taken);
    return from;
  }

  line(bytes: Buffer, start: number, end: number): void {
    this.#options.door.judgeAt(this.#options.judgedAt);
    const wary = this.#notJson >= exceptionsMax;
    if (!wary && this.#options.door.encoder.transcode(bytes, start, end)) return this.#take(bytes, start, end);
    const text = bytes.toString("utf8", start, end);
    if ((wary || end - start > quickBytesMax) && this.#tooDeep(bytes, start, end)) return this.#refuseDeep(bytes, start, end);
    if (wary && !isJson(bytes, start, end)) return this.#refuseNotJson(text, bytes, start, end);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      this.#notJson++;
      if (!wary && this.#tooDeep(bytes, start, end)) return this.#refuseDeep(bytes, start, end);
      return this.#refuseNotJson(text, bytes, start, end);
    }
    this.#judge(json, bytes, start, end);
  }

  badLine(code: "record.notUtf8" | "record.tooLarge", bytes: Buffer, start: number, end: number, length: number): void {
    if (code === "record.tooLarge") this.#refuseLarge(bytes, start, end, length);
    else this.#refuse(code, [{ path: "", expected: "UTF-8", received: "other bytes" }], bytes, start, end);
  }

  /** A whole JSON text of its own, or one element of an array. Throws `ingest.notJson` where it is not JSON. */
  element(text: () => string, bytes: Buffer, { start, end, tooDeep }: { readonly start: number; readonly end: number; readonly tooDeep: boolean }): void {
    this.#options.door.judgeAt(this.#options.judgedAt);
    if (end - start > this.#options.recordBytesMax) return this.#refuseLarge(bytes, start, start + this.#options.recordBytesMax, end - start);
    if (tooDeep) return this.#refuseDeep(bytes, start, end);
    if (this.#options.door.encoder.transcode(bytes, start, end)) return this.#take(bytes, start, end);
    let json: unknown;
    try {
      json = JSON.parse(text());
    } catch (cause) {
      throw notJson(cause instanceof Error ? cause.message : "It cannot be parsed.", { index: this.records, position: start });
    }
    this.#judge(json, bytes, start, end);
  }

  #judge(json: unknown, bytes: Buffer, start: number, end: number): void {
    const errors = this.#options.door.encoder.encodeRecord(json);
    if (errors === undefined) return this.#take(bytes, start, end);
    if (end - start <= quickBytesMax && this.#tooDeep(bytes, start, end)) return this.#refuseDeep(bytes, start, end);
    this.#refuse("record.invalid", errors, bytes, start, end);
  }

  /** Hands on what the encoder has just made of a record. */
  #take(bytes: Buffer, start: number, end: number): void {
    const { door, lanes, headers, batchBytesMax } = this.#options;
    const { output } = door.encoder;
    if (headers.length === 0) {
      if (!lanes.addSlices(door.lane(), output)) return this.#refuseLarge(bytes, start, end, recordBytesOf(output));
      return this.#count(1);
    }
    const key = output.bytes.subarray(output.keyStart, output.keyEnd);
    const wire = output.bytes.subarray(output.start, output.end);
    const size = recordBytes(key, wire, headers);
    if (size > batchBytesMax) return this.#refuseLarge(bytes, start, end, size);
    lanes.add(door.lane(), key, wire, headers);
    this.#count(1);
  }

  #count(taken: number): void {
    this.records += taken;
    this.valid += taken;
  }

  #tooDeep(bytes: Buffer, start: number, end: number): boolean {
    return nestsDeeper(bytes, { start, end, depthMax: limits.depthMax });
  }

  #refuseNotJson(text: string, bytes: Buffer, start: number, end: number): void {
    this.#refuse("record.notJson", [{ path: "", expected: "JSON", received: shown(text) }], bytes, start, end);
  }

  #refuseDeep(bytes: Buffer, start: number, end: number): void {
    this.#refuse("record.tooDeep", [{ path: "", expected: `at most ${limits.depthMax} levels`, received: "more" }], bytes, start, end);
  }

  #refuseLarge(bytes: Buffer, start: number, end: number, length: number): void {
    const errors = [{ path: "", expected: `at most ${this.#options.recordBytesMax} bytes`, received: `${length} bytes` }];
    this.#refuse("record.tooLarge", errors, bytes, start, end, length);
  }

  #refuse(code: RecordCode, errors: readonly FieldError[], bytes: Buffer, start: number, end: number, length = end - start): void {
    const { door, lanes, invalid, now } = this.#options;
    const index = this.records++;
    if (invalid === "refuse") return this.refused.add({ index, code, errors });
    this.#requestId ??= this.#options.requestId();
    const cause = { formatVersion: 1, id: `door/${this.#requestId}/${index}`, from: "door", code, errors, contractVersion: door.contractVersion } as const;
    const cut = length > end - start ? { cutFrom: length } : {};
    const entry = toInboxEntry({ ...cause, time: new Date(now()).toISOString(), ...cut }, bytes.subarray(start, end));
    lanes.add(door.partitions, entry.key, entry.value, entry.headers);
    this.quarantined++;
  }
}

/** `ingest.notJson` for a body that is one JSON text. */
export function notJson(why: string, facts: Readonly<Record<string, unknown>> = {}): MainstemError {
  return new MainstemError("ingest.notJson", `The body is not JSON: ${why}`, facts);
}

function shown(text: string): string {
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}
