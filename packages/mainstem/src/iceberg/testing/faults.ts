import type { ObjectStore } from "../../objects/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { StateStore } from "../../state/index.ts";

/** How a call goes wrong: before it had any effect, or after all of it, so that only its acknowledgement is lost. */
export type Fault = "before" | "after";
type Decide = (what: string) => Fault | undefined;
type Pointers = StateStore["pointers"];

/** A store over another in which `decide` may let a call fail as a dead connection does. It is not closed with this one. */
export function createFaultyObjects(store: ObjectStore, decide: Decide): ObjectStore {
  const around = faulty("objects.failed", decide);
  return {
    put: (key, body, options) => around(`put ${key}`, () => store.put(key, body, options)),
    putFile: (key, path, options) => around(`putFile ${key}`, () => store.putFile(key, path, options)),
    async *read(key, options) {
      yield* await around(`read ${key}`, () => Promise.resolve(store.read(key, options)));
    },
    local: (key, options) => around(`local ${key}`, () => store.local(key, options)),
    stat: (key, options) => around(`stat ${key}`, () => store.stat(key, options)),
    list: (prefix, options) => store.list(prefix, options),
    delete: (keys, options) => around(`delete ${keys.join(" ")}`, () => store.delete(keys, options)),
    uri: (key) => store.uri(key),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Pointers over others, likewise. */
export function createFaultyPointers(pointers: Pointers, decide: Decide): Pointers {
  const around = faulty("state.failed", decide);
  return {
    get: (name) => around(`get ${name}`, () => pointers.get(name)),
    swap: (name, change) => around(`swap ${name}`, () => pointers.swap(name, change)),
  };
}

function faulty(code: "objects.failed" | "state.failed", decide: Decide): <T>(what: string, work: () => Promise<T>) => Promise<T> {
  return async (what, work) => {
    const fault = decide(what);
    if (fault === "before") throw new MainstemError(code, `injected fault: ${what}`);
    const result = await work();
    if (fault === "after") throw new MainstemError(code, `injected fault: ${what}`);
    return result;
  };
}
