/**
 * Murmur3, 32 bits, x86 variant, as a signed integer.
 * Source: Austin Appleby, MurmurHash3_x86_32; what Iceberg's bucket transform uses, with seed 0 (specification, appendix B).
 */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const blocks = bytes.length & ~3;
  let hash = seed;
  for (let index = 0; index < blocks; index += 4) {
    hash ^= scramble(byte(bytes, index) | (byte(bytes, index + 1) << 8) | (byte(bytes, index + 2) << 16) | (byte(bytes, index + 3) << 24));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  const rest = bytes.length & 3;
  let tail = 0;
  for (let index = rest - 1; index >= 0; index--) tail = (tail << 8) | byte(bytes, blocks + index);
  if (rest > 0) hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
