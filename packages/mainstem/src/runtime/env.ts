import { randomBytes } from "node:crypto";

/** What a program takes from the world besides its drivers. It comes in from outside so that a simulation can own it. */
export interface Env {
  /** Milliseconds since 1970, UTC. May jump; whoever needs an order must not take it from here. */
  now(): number;
  /** Milliseconds that never run backwards, from an arbitrary start. */
  monotonic(): number;
  random(bytes: number): Uint8Array;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

/** The real clock and the real randomness. */
export const systemEnv: Env = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: (bytes) => randomBytes(bytes),
  sleep,
};

/** A random id of 16 bytes as Kafka writes its topic ids: URL-safe base64 without padding, 22 characters. */
export function randomId(env: Env): string {
  return Buffer.from(env.random(16)).toString("base64url");
}

function sleep(ms: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
