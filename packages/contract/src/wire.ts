/** The first byte of a value in a topic; four bytes of schema id follow it, big-endian, and then its Avro (the Confluent wire format, docs/formats/wire.md). */
const wireMagic = 0;

/** Bytes before a value's Avro. */
export const wireHeaderBytes = 5;

/** What stands before the Avro of a value that was written with this schema. */
export function wireHeader(schemaId: number): Uint8Array {
  return Uint8Array.of(wireMagic, schemaId >>> 24, schemaId >>> 16, schemaId >>> 8, schemaId);
}

/** The schema id of the value in `bytes[start, end)`; -1 where it does not begin with a header. */
export function wireSchemaId(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < wireHeaderBytes || bytes[start] !== wireMagic) return -1;
  return bytes[start + 1]! * 0x100_0000 + ((bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!);
}
