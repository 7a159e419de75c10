import type { Faults } from "../../packages/mainstem/src/archive/testing/faults.ts";
import type { StateStore } from "../../packages/mainstem/src/state/index.ts";

/** The same state, each call by way of a gate. Closing it closes nothing. */
export function stateThrough({ definitions, pointers, checkpoints, leases }: StateStore, { around }: Pick<Faults, "around">): StateStore {
  return {
    definitions: {
      get: (kind, name) => around("get definition", () => definitions.get(kind, name)),
      list: (kind) => around("list definitions", () => definitions.list(kind)),
      history: (kind, name) => around("list history", () => definitions.history(kind, name)),
      put: (next, expected) => around("put definition", () => definitions.put(next, expected)),
    },
    pointers: {
      get: (name) => around("get pointer", () => pointers.get(name)),
      swap: (name, change) => around("swap pointer", () => pointers.swap(name, change)),
    },
    checkpoints: {
      get: (task) => around("get checkpoint", () => checkpoints.get(task)),
      put: (task, checkpoint, fence) => around("put checkpoint", () => checkpoints.put(task, checkpoint, fence)),
    },
    leases: {
      acquire: (name, options) => around("acquire lease", () => leases.acquire(name, options)),
      renew: (fence, options) => around("renew lease", () => leases.renew(fence, options)),
      release: (fence) => around("release lease", () => leases.release(fence)),
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
