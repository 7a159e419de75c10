/**
 * Zig-zag variable-length integers of Kafka's message format v2 (the same as protobuf's sint32 and sint64).
 * Source: Apache Kafka documentation, "Message Format", "Record"; protobuf encoding guide, "Signed Integers".
 */

/** Bytes that the zig-zag form of a 32-bit integer takes. */
export function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes a 32-bit integer and gives the index after it. The caller made room. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    bytes[position++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  bytes[position] = zigzag;
  return position + 1;
}

/** Bytes that the zig-zag form of a safe integer takes. */
export function varlongBytes(value: number): number {
  if (value === (value | 0)) return varintBytes(value);
  let rest = unsigned(value);
  let bytes = 1;
  for (; rest >= 0x80; bytes++) rest = Math.floor(rest / 0x80);
  return bytes;
}

/** Writes a safe integer and gives the index after it. The caller made room. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (value === (value | 0)) return writeVarint(bytes, position, value);
  // The zig-zag form may need 54 bits, one more than a number holds exactly: so its last bit, the sign, is kept apart.
  const negative = value < 0;
  let rest = negative ? -value - 1 : value;
  let digit = (rest % 0x40) * 2 + (negative ? 1 : 0);
  rest = Math.floor(rest / 0x40);
  while (rest > 0) {
    bytes[position++] = digit | 0x80;
    digit = rest % 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[position] = digit;
  return position + 1;
}

/** The zig-zag form; its last bit may be rounded away, which never changes how many digits it has. */
function unsigned(value: number): number {
  return value < 0 ? -2 * (value + 1) + 1 : 2 * value;
}
