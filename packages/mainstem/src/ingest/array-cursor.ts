import { stringEnd } from "./depth.ts";

/**
 * Walks the elements of a JSON array where they lie in its bytes, so that the original bytes of each are known and each is parsed alone.
 * What stands between the elements is checked here; that an element is JSON is for the caller's parser to say. Together they accept exactly
 * what `JSON.parse` accepts for the whole.
 */
export class ArrayCursor {
  /** The element at hand is `bytes[start, end)`. */
  start = 0;
  end = 0;
  /** The element nests more than `depthMax` levels deep. */
  tooDeep = false;
  /** Where the bytes are not an array: their position. Nothing follows it. */
  fault: number | undefined;
  readonly #bytes: Uint8Array;
  readonly #depthMax: number;
  #position: number;
  #begun = false;
  #ended = false;

  /** `start`: the position of the opening bracket. */
  constructor(bytes: Uint8Array, { start, depthMax }: { readonly start: number; readonly depthMax: number }) {
    this.#bytes = bytes;
    this.#depthMax = depthMax;
    this.#position = start + 1;
  }

  /** Steps to the next element; false after the last one and at a fault. */
  next(): boolean {
    if (this.#ended || this.fault !== undefined) return false;
    const bytes = this.#bytes;
    let position = skipSpace(bytes, this.#position);
    if (!this.#begun && bytes[position] === 0x5d) return this.#finish(position + 1);
    this.#begun = true;
    this.start = position;
    position = this.#elementEnd(position);
    this.end = spaceBefore(bytes, this.start, position);
    if (this.end === this.start || position === bytes.length) return this.#fail(position);
    const separator = bytes[position];
    this.#position = position + 1;
    if (separator === 0x2c) return true;
    if (separator !== 0x5d) return this.#fail(position);
    // The last element is given before what follows the array is judged, but a fault there must be known by then.
    this.#finish(position + 1);
    return this.fault === undefined;
  }

  /** The position of the comma or bracket that ends the element. */
  #elementEnd(start: number): number {
    const bytes = this.#bytes;
    let depth = 0;
    this.tooDeep = false;
    for (let index = start; index < bytes.length; index++) {
      switch (bytes[index]!) {
        case 0x22: // "
          index = stringEnd(bytes, index + 1, bytes.length);
          break;
        case 0x5b: // [
        case 0x7b: // {
          if (++depth > this.#depthMax) this.tooDeep = true;
          break;
        case 0x5d: // ]
        case 0x7d: // }
          if (--depth < 0) return index;
          break;
        case 0x2c: // ,
          if (depth === 0) return index;
          break;
        default:
          break;
      }
    }
    return bytes.length;
  }

  #finish(position: number): false {
    this.#ended = true;
    const rest = skipSpace(this.#bytes, position);
    if (rest < this.#bytes.length) this.fault = rest;
    return false;
  }

  #fail(position: number): false {
    this.fault = position;
    return false;
  }
}

/** The first position at or after `start` that is not JSON's white space. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let position = start;
  while (position < bytes.length && isSpace(bytes[position])) position++;
  return position;
}

/** The end of `bytes[start, end)` without white space behind it. */
export function spaceBefore(bytes: Uint8Array, start: number, end: number): number {
  let position = end;
  while (position > start && isSpace(bytes[position - 1])) position--;
  return position;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
