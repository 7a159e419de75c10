import { open, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { ClientError } from "../client-error.ts";

const slotBytes = 24;

/**
 * One number in a file of two slots that are written in turns: a torn write leaves the other one. The number of a slot stands with how often the file
 * was written, so that the later one counts. A write without `sync` may be lost with the power: the number is then one from before.
 */
export interface Counter extends AsyncDisposable {
  readonly value: bigint;
  write(value: bigint, options: { readonly sync: boolean }): Promise<void>;
}

/** Zero where nothing was written yet. Both slots damaged are `client.spoolCorrupt`: no crash leaves them so. */
export async function openCounter(path: string): Promise<Counter> {
  const file = await openOrCreate(path);
  const bytes = Buffer.alloc(2 * slotBytes);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  const slots = [0, slotBytes].flatMap((start) => decodeSlot(bytes, start) ?? []);
  // The first write goes to the second slot: torn, it leaves the first one empty.
  if (slots.length === 0 && bytes.subarray(0, Math.min(slotBytes, bytesRead)).some((byte) => byte !== 0)) {
    await file.close();
    throw new ClientError("client.spoolCorrupt", `${path} is damaged.`, { path });
  }
  let { value, writes } = slots.sort((a, b) => (a.writes < b.writes ? 1 : -1))[0] ?? { value: 0n, writes: 0n };
  return {
    get value() {
      return value;
    },
    async write(next, { sync }) {
      writes++;
      await file.write(encodeSlot({ value: next, writes }), 0, slotBytes, Number(writes % 2n) * slotBytes);
      if (sync) await file.datasync();
      value = next;
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

interface Slot {
  readonly value: bigint;
  readonly writes: bigint;
}

function encodeSlot({ value, writes }: Slot): Buffer {
  const bytes = Buffer.alloc(slotBytes);
  bytes.writeBigUInt64LE(value, 0);
  bytes.writeBigUInt64LE(writes, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16), 1), 16);
  return bytes;
}

function decodeSlot(bytes: Buffer, start: number): Slot | undefined {
  if (crc32(bytes.subarray(start, start + 16), 1) !== bytes.readUInt32LE(start + 16)) return undefined;
  return { value: bytes.readBigUInt64LE(start), writes: bytes.readBigUInt64LE(start + 8) };
}
