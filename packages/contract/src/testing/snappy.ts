import { crc32 } from "node:zlib";
import type { SnappyFunctions } from "../avro/snappy-codec.ts";

/** Snappy for tests: reads everything, writes literals only, which every reader takes. Source: Snappy's format_description.txt. */
export const snappy: SnappyFunctions = { compress, decompress, crc32: (bytes) => crc32(bytes) };

function compress(bytes: Uint8Array): Uint8Array {
  const parts: number[] = [...varint(bytes.length)];
  for (let start = 0; start < bytes.length; start += 60) {
    const piece = bytes.subarray(start, start + 60);
    parts.push((piece.length - 1) << 2, ...piece);
  }
  return Uint8Array.from(parts);
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function decompress(bytes: Uint8Array, bytesMax: number): Uint8Array {
  let at = 0;
  const next = (): number => {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError("snappy data is cut");
    return byte;
  };
  const little = (count: number): number => Array.from({ length: count }, next).reduceRight((value, byte) => value * 256 + byte, 0);
  let length = 0;
  for (let shift = 0, byte = 128; byte > 127; shift += 7) length += ((byte = next()) & 127) * 2 ** shift;
  if (length > bytesMax) throw new RangeError("snappy data is too long");
  const out = new Uint8Array(length);
  let to = 0;
  while (at < bytes.length) {
    const tag = next();
    if ((tag & 3) === 0) {
      const count = (tag >> 2) + 1;
      const size = count > 60 ? little(count - 60) + 1 : count;
      if (size > bytes.length - at || size > length - to) throw new RangeError("a snappy literal is cut");
      out.set(bytes.subarray(at, at + size), to);
      at += size;
      to += size;
      continue;
    }
    const size = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = (tag & 3) === 1 ? (tag >> 5) * 256 + next() : little((tag & 3) === 2 ? 2 : 4);
    if (offset === 0 || offset > to || size > length - to) throw new RangeError("a snappy copy leaves the data");
    for (let index = 0; index < size; index++, to++) out[to] = out[to - offset] as number;
  }
  if (to !== length) throw new RangeError("snappy data is cut");
  return out;
}
