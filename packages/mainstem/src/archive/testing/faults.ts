import type { Log } from "../../log/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { ObjectStore } from "../../objects/index.ts";

/** How a call goes wrong: before it had any effect, or after all of it, so that only its acknowledgement is lost. */
export type Fault = "before" | "after";

/** Counts calls to stores, and lets some fail as a dead connection does: with `objects.failed`. */
export class Faults {
  /** The calls so far, as `method key`. */
  readonly calls: string[] = [];
  readonly #decide: (call: number, what: string) => Fault | undefined;

  /** `decide` gets the number of the call, from 0, and what it is. */
  constructor(decide: (call: number, what: string) => Fault | undefined = () => undefined) {
    this.#decide = decide;
  }

  async around<T>(what: string, work: () => Promise<T>): Promise<T> {
    const end = this.#begin(what);
    const result = await work();
    end();
    return result;
  }

  async *along<T>(what: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    const end = this.#begin(what);
    yield* items;
    end();
  }

  #begin(what: string): () => void {
    const fault = this.#decide(this.calls.push(what) - 1, what);
    const failure = new MainstemError("objects.failed", `injected fault: ${what}`);
    if (fault === "before") throw failure;
    return () => {
      if (fault === "after") throw failure;
    };
  }
}

/** The same store, with faults. Closing it closes nothing. */
export function withFaults(store: ObjectStore, faults: Pick<Faults, "around" | "along">): ObjectStore {
  return {
    put: (key, body, options) => faults.around(`put ${key}`, () => store.put(key, body, options)),
    putFile: (key, path, options) => faults.around(`putFile ${key}`, () => store.putFile(key, path, options)),
    read: (key, options) => faults.along(`read ${key}`, store.read(key, options)),
    local: (key, options) => faults.around(`local ${key}`, () => store.local(key, options)),
    stat: (key, options) => faults.around(`stat ${key}`, () => store.stat(key, options)),
    list: (prefix, options) => faults.along(`list ${prefix}`, store.list(prefix, options)),
    delete: (keys, options) => faults.around(`delete ${keys.join(" ")}`, () => store.delete(keys, options)),
    uri: (key) => store.uri(key),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The same log, with faults in what an archiver uses. Closing it closes nothing. */
export function logWithFaults(log: Log, faults: Pick<Faults, "around" | "along">): Log {
  return {
    createTopic: (spec, options) => log.createTopic(spec, options),
    deleteTopic: (topic, expected, options) => log.deleteTopic(topic, expected, options),
    describeTopic: (topic, options) => log.describeTopic(topic, options),
    topics: (options) => log.topics(options),
    append: (to, batch, options) => faults.around(`append ${to.topic}`, () => log.append(to, batch, options)),
    read: (from, options) => faults.along(`read ${from.topic}`, log.read(from, options)),
    bounds: (of, options) => faults.around(`bounds ${of.topic}`, () => log.bounds(of, options)),
    settled: (of, options) => faults.around(`settled ${of.topic}`, () => log.settled(of, options)),
    offsetAt: (of, appendedAt, options) => log.offsetAt(of, appendedAt, options),
    committed: (group, of, options) => faults.around(`committed ${group}`, () => log.committed(group, of, options)),
    commit: (group, next, options) => faults.around(`commit ${group}`, () => log.commit(group, next, options)),
    groups: (options) => log.groups(options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
