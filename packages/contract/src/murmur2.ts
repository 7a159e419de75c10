/**
 * Kafka's murmur2 of a key, as a signed 32-bit integer.
 * Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2` (seed 0x9747b28c).
 */
export function murmur2(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  const m = 0x5bd1e995;
  const length = end - start;
  let hash = 0x9747b28c ^ length;
  let index = start;
  for (; index + 4 <= end; index += 4) {
    let k = byte(bytes, index) | (byte(bytes, index + 1) << 8) | (byte(bytes, index + 2) << 16) | (byte(bytes, index + 3) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    hash = Math.imul(hash, m) ^ k;
  }
  const rest = end - index;
  if (rest > 0) {
    if (rest > 2) hash ^= byte(bytes, index + 2) << 16;
    if (rest > 1) hash ^= byte(bytes, index + 1) << 8;
    hash = Math.imul(hash ^ byte(bytes, index), m);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
}

/** The partition of a key among `partitions`, as Kafka's default partitioner chooses it. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
