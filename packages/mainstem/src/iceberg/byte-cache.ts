/** Values by key, the least recently used forgotten first, so that their estimated sizes stay below `bytesMax`. */
export class ByteCache {
  readonly #entries = new Map<string, { readonly value: unknown; readonly bytes: number }>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor({ bytesMax }: { readonly bytesMax: number }) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is kept under the key, or what `make` gives, kept if it is not too large. Keys must tell kinds of values apart. */
  async through<Value>(key: string, make: () => Promise<{ readonly value: Value; readonly bytes: number }>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value as Value;
    }
    const made = await make();
    this.#keep(key, made);
    return made.value;
  }

  #keep(key: string, entry: { readonly value: unknown; readonly bytes: number }): void {
    this.#bytes += entry.bytes - (this.#entries.get(key)?.bytes ?? 0);
    this.#entries.set(key, entry);
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
