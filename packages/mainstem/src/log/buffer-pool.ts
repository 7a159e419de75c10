/** Smaller buffers are not worth the keeping, larger ones are rare. Sizes are powers of two between these. */
const leastBytes = 16_384;
const mostBytes = 2_097_152;
/** What a pool keeps at most. */
const keptBytesMax = 8_388_608;

/**
 * Buffers that were used and will be used again. Bytes outside the heap count as pressure on the garbage collector: a new buffer for each batch
 * makes it collect the whole heap several times a second, which took a third of the CPU time of the door.
 */
export class BufferPool {
  readonly #free = new Map<number, Buffer[]>();
  #keptBytes = 0;

  /** A buffer of at least so many bytes, with anything in it. */
  take(bytes: number): Buffer {
    if (bytes > mostBytes) return Buffer.allocUnsafeSlow(bytes);
    const size = bytes <= leastBytes ? leastBytes : 2 ** (32 - Math.clz32(bytes - 1));
    const kept = this.#free.get(size)?.pop();
    if (kept === undefined) return Buffer.from(new LentBuffer(size, this));
    this.#keptBytes -= size;
    (kept.buffer as LentBuffer).lender = this;
    return kept;
  }

  /** Takes back a buffer by any view of it. Nobody may look at its bytes from then on. Bytes that are not the pool's are left alone. */
  give({ buffer }: Uint8Array): void {
    if (!(buffer instanceof LentBuffer) || buffer.lender !== this) return;
    buffer.lender = undefined;
    const size = buffer.byteLength;
    if (this.#keptBytes + size > keptBytesMax) return;
    this.#keptBytes += size;
    const same = this.#free.get(size);
    if (same === undefined) this.#free.set(size, [Buffer.from(buffer)]);
    else same.push(Buffer.from(buffer));
  }
}

/** Knows who lent it, while it is lent: nothing comes back twice, and nothing that is part of something else. */
class LentBuffer extends ArrayBuffer {
  lender: BufferPool | undefined;

  constructor(bytes: number, lender: BufferPool) {
    super(bytes);
    this.lender = lender;
  }
}
