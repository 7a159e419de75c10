import { formatExact, parseExact } from "@mainstem/contract";
import { MainstemError } from "../../packages/mainstem/src/runtime/errors.ts";
import { limits } from "../../packages/mainstem/src/runtime/limits.ts";
import type { Definition, Fence, Pointer, StateStore, Version } from "../../packages/mainstem/src/state/index.ts";

interface Lease {
  owner: string;
  token: number;
  /** By the store's clock. */
  endsAt: number;
}

/** The state in memory: what a simulated world keeps when a process of it dies. Each call is one transaction. */
export class StateInMemory {
  readonly #now: () => number;
  readonly #definitions = new Map<string, Definition[]>();
  readonly #pointers = new Map<string, Pointer>();
  readonly #checkpoints = new Map<string, string>();
  readonly #leases = new Map<string, Lease>();

  constructor({ now }: { readonly now: () => number }) {
    this.#now = now;
  }

  open(): StateStore {
    let closed = false;
    const check = (): void => {
      if (closed) throw new MainstemError("resource.closed", "The state is closed.");
    };
    const holds = ({ name, owner, token }: Fence): boolean => {
      const lease = this.#leases.get(name);
      return lease !== undefined && lease.owner === owner && lease.token === token && lease.endsAt > this.#now();
    };
    return {
      definitions: this.#openDefinitions(check),
      pointers: {
        get: async (name) => (check(), this.#pointers.get(name)),
        swap: async (name, { expected, value, fence }) => {
          check();
          if (fence !== undefined && !holds(fence)) return { kind: "fenced" };
          const before = this.#pointers.get(name);
          if ((before?.version ?? "absent") !== expected) return { kind: "conflict", winner: before };
          const next = { name, version: ((before?.version ?? 0) + 1) as Version, value };
          this.#pointers.set(name, next);
          return { kind: "committed", value: next };
        },
      },
      checkpoints: {
        get: async (task) => {
          check();
          const found = this.#checkpoints.get(task);
          return found === undefined ? undefined : { value: parseExact(found) };
        },
        put: async (task, { value }, fence) => {
          check();
          if (!holds(fence)) return { kind: "fenced" };
          this.#checkpoints.set(task, formatExact(value));
          return { kind: "stored" };
        },
      },
      leases: {
        acquire: async (name, { owner, ttlMs }) => {
          check();
          const before = this.#leases.get(name);
          if (before !== undefined && before.endsAt > this.#now() && before.endsAt <= this.#now() + limits.leaseMs && before.owner !== owner)
            return { kind: "taken", by: before.owner };
          const token = (before?.token ?? 0) + 1;
          this.#leases.set(name, { owner, token, endsAt: this.#now() + ttlMs });
          return { kind: "held", fence: { name, owner, token } };
        },
        renew: async (fence, { ttlMs }) => {
          check();
          if (!holds(fence)) return false;
          this.#leases.get(fence.name)!.endsAt = this.#now() + ttlMs;
          return true;
        },
        release: async (fence) => {
          check();
          if (holds(fence)) this.#leases.get(fence.name)!.endsAt = Number.NEGATIVE_INFINITY;
        },
      },
      [Symbol.asyncDispose]: async () => void (closed = true),
    };
  }

  #openDefinitions(check: () => void): StateStore["definitions"] {
    const all = this.#definitions;
    const address = (kind: string, name: string): string => JSON.stringify([kind, name]);
    return {
      get: async (kind, name) => (check(), all.get(address(kind, name))?.at(-1)),
      list: async (kind) => {
        check();
        const current = [...all.values()].map((versions) => versions.at(-1)!).filter((one) => one.kind === kind);
        return current.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
      },
      history: async (kind, name) => (check(), [...(all.get(address(kind, name)) ?? [])]),
      put: async ({ kind, name, spec, appliedAt }, expected) => {
        check();
        const versions = all.get(address(kind, name)) ?? [];
        const before = versions.at(-1);
        if ((before?.version ?? "absent") !== expected) return { kind: "conflict", winner: before };
        const value: Definition = { kind, name, version: (versions.length + 1) as Version, spec: parseExact(formatExact(spec)), appliedAt };
        all.set(address(kind, name), [...versions, value]);
        return { kind: "committed", value };
      },
    };
  }
}
