import type { ContainerCodec } from "./container.ts";

/** Snappy's block format, without framing, and the CRC-32 of zlib. `decompress` must refuse to give more than `bytesMax` bytes. */
export interface SnappyFunctions {
  compress(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  decompress(bytes: Uint8Array, bytesMax: number): Uint8Array | Promise<Uint8Array>;
  crc32(bytes: Uint8Array): number;
}

const crcBytes = 4;

/** The codec `snappy` of container files: each block is followed by the CRC-32 of what it holds uncompressed, big-endian, which is checked. */
export function snappyCodec(functions: SnappyFunctions): ContainerCodec {
  return {
    name: "snappy",
    compress: async (bytes) => {
      const block = await functions.compress(bytes);
      const whole = new Uint8Array(block.length + crcBytes);
      whole.set(block);
      new DataView(whole.buffer).setUint32(block.length, functions.crc32(bytes));
      return whole;
    },
    decompress: async (bytes, bytesMax) => {
      if (bytes.length < crcBytes) throw new RangeError("a snappy block is shorter than its checksum");
      const end = bytes.length - crcBytes;
      const plain = await functions.decompress(bytes.subarray(0, end), bytesMax);
      const expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end);
      if (functions.crc32(plain) >>> 0 !== expected) throw new RangeError("a snappy block's checksum is wrong");
      return plain;
    },
  };
}
