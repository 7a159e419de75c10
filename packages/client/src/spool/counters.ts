import { open, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";

const slotBytes = 16;

/**
 * One number that only grows, in a file of two slots that are written in turns: a torn write leaves the other one.
 * Lost writes are harmless, the number is then one from before.
 */
export interface Counter extends AsyncDisposable {
  readonly value: bigint;
  write(value: bigint, options: { readonly sync: boolean }): Promise<void>;
}

export async function openCounter(path: string): Promise<Counter> {
  const file = await openOrCreate(path);
  const bytes = Buffer.alloc(2 * slotBytes);
  await file.read(bytes, 0, bytes.length, 0);
  const slots = [0, 1].map((slot) => decodeSlot(bytes, slot * slotBytes));
  let value = slots.reduce((greatest: bigint, one) => (one !== undefined && one > greatest ? one : greatest), 0n);
  let slot = slots[0] === value && value > 0n ? 1 : 0;
  return {
    get value() {
      return value;
    },
    async write(next, { sync }) {
      await file.write(encodeSlot(next), 0, slotBytes, slot * slotBytes);
      if (sync) await file.datasync();
      value = next;
      slot = 1 - slot;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return open(path, "w+");
  }
}

function encodeSlot(value: bigint): Buffer {
  const bytes = Buffer.alloc(slotBytes);
  bytes.writeBigUInt64LE(value, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8), 1), 8);
  return bytes;
}

function decodeSlot(bytes: Buffer, start: number): bigint | undefined {
  return crc32(bytes.subarray(start, start + 8), 1) === bytes.readUInt32LE(start + 8) ? bytes.readBigUInt64LE(start) : undefined;
}
