/**
 * True when brackets outside of strings nest more than `depthMax` levels deep. Stops at the first level too many, so that hostile nesting costs
 * nothing: `JSON.parse` does not overflow on it, but takes some 100 ns a bracket.
 */
export function nestsDeeper(bytes: Uint8Array, { start, end, depthMax }: { readonly start: number; readonly end: number; readonly depthMax: number }): boolean {
  let depth = 0;
  for (let index = start; index < end; index++) {
    switch (bytes[index]!) {
      case 0x22: // "
        index = stringEnd(bytes, index + 1, end);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > depthMax) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      default:
        break;
    }
  }
  return false;
}

/** The position of the quote that ends a JSON string whose first byte (after the opening quote) is at `start`; `end` if there is none. */
export function stringEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let index = start; index < end; index++) {
    const byte = bytes[index];
    if (byte === 0x22) return index;
    if (byte === 0x5c) index++; // a backslash escapes the next byte
  }
  return end;
}
