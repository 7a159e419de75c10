import type { Address } from "./column-vectors.ts";
import { putText } from "./column-bytes.ts";

/** Bytes that generated code reads beside those of records, and cells of constant texts, of which the longer ones lie here. */
export class ConstantHeap {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  low = 0;
  high = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #texts: { readonly cells: Int32Array; readonly index: number; readonly start: number; readonly length: number }[] = [];
  #size = 0;

  /** Where the bytes will begin. */
  add(bytes: Uint8Array): number {
    const start = this.#size;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return start;
  }

  /** One cell after the other, to be used once the heap has its place. */
  cells(texts: readonly string[]): Int32Array {
    const utf8 = new TextEncoder();
    const cells = new Int32Array(texts.length * 4);
    for (const [index, text] of texts.entries()) {
      const bytes = utf8.encode(text);
      this.#texts.push({ cells, index: index * 4, start: this.add(bytes), length: bytes.length });
    }
    return cells;
  }

  /** All bytes that were added. */
  finish(): Uint8Array {
    this.bytes = new Uint8Array(this.#size);
    this.view = new DataView(this.bytes.buffer);
    let start = 0;
    for (const part of this.#parts) {
      this.bytes.set(part, start);
      start += part.length;
    }
    return this.bytes;
  }

  place({ low, high }: Address): void {
    this.low = low;
    this.high = high;
    for (const { cells, index, start, length } of this.#texts) putText(this.bytes, this.view, start, length, cells, index, low, high);
  }
}
