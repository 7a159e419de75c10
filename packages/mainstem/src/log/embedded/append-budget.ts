/** The bytes that wait to be written, over all partitions of a log: who finds no room waits in line. */
export class AppendBudget {
  readonly #bytesMax: number;
  #used = 0;
  readonly #waiting = new Set<{ readonly bytes: number; readonly enter: () => void }>();

  constructor({ bytesMax }: { readonly bytesMax: number }) {
    this.#bytesMax = bytesMax;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes the bytes at once if there is room and nobody waits. A batch larger than the whole budget goes alone. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.size > 0 || !this.#fits(bytes)) return false;
    this.#used += bytes;
    return true;
  }

  /** Resolves when the bytes are taken. Rejects with the signal's reason; then nothing is taken. */
  take(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = (): void => {
        this.#waiting.delete(waiter);
        reject(signal?.reason);
        this.#admit();
      };
      const waiter = {
        bytes,
        enter: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      this.#admit();
    });
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#admit();
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#bytesMax;
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.bytes)) return;
      this.#waiting.delete(waiter);
      this.#used += waiter.bytes;
      waiter.enter();
    }
  }
}
