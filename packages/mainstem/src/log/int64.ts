/** A big-endian 64-bit integer as a number: exact within 2^53; callers check what lies beyond by the value. */
export function readInt64(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4);
}

/** Writes a safe integer as a big-endian 64-bit integer. */
export function writeInt64(into: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  into.writeInt32BE(high, position);
  into.writeUInt32BE(value - high * 0x1_0000_0000, position + 4);
}
