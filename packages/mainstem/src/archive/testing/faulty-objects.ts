import { MainstemError } from "../../runtime/errors.ts";
import type { ObjectStore } from "../../objects/index.ts";

/** How a call goes wrong: before it had any effect, or after all of it, so that only its acknowledgement is lost. */
export type Fault = "before" | "after";

export interface FaultyObjects extends ObjectStore {
  /** The calls so far, as `method key`. */
  readonly calls: readonly string[];
}

/** Operations that a fault may hit: each call of these counts one. */
const counted = ["put", "putFile", "read", "local", "stat", "list", "delete"] as const;

/**
 * A store over another, in which `decide` may let a call fail. A call fails as a dead connection does: with `objects.failed`.
 * `decide` gets the number of the call, from 0, and what it is.
 */
export function createFaultyObjects(store: ObjectStore, decide: (call: number, what: string) => Fault | undefined): FaultyObjects {
  const calls: string[] = [];
  const begin = (method: (typeof counted)[number], key: string): { readonly end: () => void } => {
    const what = `${method} ${key}`;
    const fault = decide(calls.push(what) - 1, what);
    if (fault === "before") throw failure(what);
    return {
      end: () => {
        if (fault === "after") throw failure(what);
      },
    };
  };
  async function around<T>(method: (typeof counted)[number], key: string, work: () => Promise<T>): Promise<T> {
    const { end } = begin(method, key);
    const result = await work();
    end();
    return result;
  }
  async function* along<T>(method: (typeof counted)[number], key: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    const { end } = begin(method, key);
    yield* items;
    end();
  }
  return {
    calls,
    put: (key, body, options) => around("put", key, () => store.put(key, body, options)),
    putFile: (key, path, options) => around("putFile", key, () => store.putFile(key, path, options)),
    read: (key, options) => along("read", key, store.read(key, options)),
    local: (key, options) => around("local", key, () => store.local(key, options)),
    stat: (key, options) => around("stat", key, () => store.stat(key, options)),
    list: (prefix, options) => along("list", prefix, store.list(prefix, options)),
    delete: (keys, options) => around("delete", keys.join(" "), () => store.delete(keys, options)),
    uri: (key) => store.uri(key),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function failure(what: string): MainstemError {
  return new MainstemError("objects.failed", `injected fault: ${what}`);
}
