import type { FileHandle } from "node:fs/promises";
import { io } from "./paths.ts";

/** Writes all parts of a body; returns their bytes. What the body throws is passed on as it is. */
export async function writeBody(
  handle: FileHandle,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { key, signal }: { readonly key: string; readonly signal: AbortSignal },
): Promise<number> {
  let bytes = 0;
  for await (const part of untilAborted(body, signal)) {
    for (let at = 0; at < part.length;) at += (await io(key, handle.write(part, at, part.length - at))).bytesWritten;
    bytes += part.length;
  }
  return bytes;
}

/** The parts of the source until the signal is aborted, also while a part is awaited that never comes. */
async function* untilAborted<T>(source: AsyncIterable<T> | Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let ended = false;
  let stop: (() => void) | undefined;
  const abort = (): void => stop?.();
  signal.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      // A promise for each part: one promise for the whole signal, raced again and again, would keep every race alive.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stop = () => reject(signal.reason);
        Promise.resolve(iterator.next()).then(resolve, reject);
      });
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    if (!ended) await release(iterator, signal);
  }
}

/** Lets the source clean up. After an abort nobody waits for it: a source that hangs would hang here again. */
async function release<T>(iterator: AsyncIterator<T> | Iterator<T>, signal: AbortSignal): Promise<void> {
  const released = Promise.resolve(iterator.return?.()).catch(() => undefined);
  if (!signal.aborted) await released;
}
