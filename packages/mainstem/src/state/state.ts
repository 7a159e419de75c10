import type { Brand } from "../runtime/brand.ts";

/** Counts from 1; each change of one thing is one higher. */
export type Version = Brand<number, "Version">;

/** Anything declared, in one of its versions. */
export interface Definition {
  /** Singular: `dataset`, `schema`… */
  readonly kind: string;
  readonly name: string;
  readonly version: Version;
  /** JSON. */
  readonly spec: unknown;
  /** Milliseconds since 1970, by the clock of who applied it. */
  readonly appliedAt: number;
}

/** A named value that changes by compare-and-swap: what a table's current metadata is. */
export interface Pointer {
  readonly name: string;
  readonly version: Version;
  readonly value: string;
}

/** How far a task got: JSON of its own making. */
export interface Checkpoint {
  readonly value: unknown;
}

/** Proof of holding a lease: a greater token is a later holder. */
export interface Fence {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
}
export type Acquired = { readonly kind: "held"; readonly fence: Fence } | { readonly kind: "taken"; readonly by: string };

export type Swap<T> = { readonly kind: "committed"; readonly value: T } | { readonly kind: "conflict"; readonly winner: T | undefined };

/**
 * The small state of the platform: definitions, pointers, checkpoints, leases.
 *
 * Durability: what resolved survives a loss of power; what was rejected with `state.failed` may have happened or not.
 * Concurrency: every change is one transaction; of concurrent swaps with the same expectation exactly one commits, the others see the winner.
 * Order: a read after a resolved write, from any process, sees it.
 * Time: leases end by the store's own clock, never by a caller's. A lease that has ended proves nothing any more, even while nobody took it over.
 * Names, kinds and owners are any text; names are ordered by their UTF-8 bytes.
 * Errors: `state.failed`, `state.corrupt`, `state.newer`, `resource.closed`.
 */
export interface StateStore extends AsyncDisposable {
  readonly definitions: {
    get(kind: string, name: string): Promise<Definition | undefined>;
    /** The current versions, ordered by name. */
    list(kind: string): Promise<readonly Definition[]>;
    /** Every version, oldest first. */
    history(kind: string, name: string): Promise<readonly Definition[]>;
    /** Stores `spec` as the next version if the current one is `expected`. */
    put(
      next: { readonly kind: string; readonly name: string; readonly spec: unknown; readonly appliedAt: number },
      expected: Version | "absent",
    ): Promise<Swap<Definition>>;
  };
  readonly pointers: {
    get(name: string): Promise<Pointer | undefined>;
    /** With a fence, only while its lease is held (`fenced` otherwise). */
    swap(
      name: string,
      change: { readonly expected: Version | "absent"; readonly value: string; readonly fence?: Fence },
    ): Promise<Swap<Pointer> | { readonly kind: "fenced" }>;
  };
  readonly checkpoints: {
    get(task: string): Promise<Checkpoint | undefined>;
    put(task: string, checkpoint: Checkpoint, fence: Fence): Promise<{ readonly kind: "stored" } | { readonly kind: "fenced" }>;
  };
  readonly leases: {
    /**
     * Takes a lease that is free, has ended, or is the same owner's own: a process that starts again need not wait for itself. `ttlMs` is at most `limits.leaseMs`:
     * a lease that ends later was taken by a clock that was ahead and went back, and is free.
     * Each holding has a greater token than all before it, for ever, and ends those before it.
     */
    acquire(name: string, options: { readonly owner: string; readonly ttlMs: number }): Promise<Acquired>;
    /** False when the lease was lost. */
    renew(fence: Fence, options: { readonly ttlMs: number }): Promise<boolean>;
    /** Ends the lease at once if it is still held; the token is never given out again. */
    release(fence: Fence): Promise<void>;
  };
}
