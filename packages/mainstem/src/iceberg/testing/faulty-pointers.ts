import type { Fault } from "../../archive/testing/faulty-objects.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { StateStore } from "../../state/index.ts";

type Pointers = StateStore["pointers"];

/** Pointers over others, in which `decide` may let a call fail as a dead connection does. `decide` gets what the call is. */
export function createFaultyPointers(pointers: Pointers, decide: (what: string) => Fault | undefined): Pointers {
  async function around<T>(what: string, work: () => Promise<T>): Promise<T> {
    const fault = decide(what);
    if (fault === "before") throw new MainstemError("state.failed", `injected fault: ${what}`);
    const result = await work();
    if (fault === "after") throw new MainstemError("state.failed", `injected fault: ${what}`);
    return result;
  }
  return {
    get: (name) => around(`get ${name}`, () => pointers.get(name)),
    swap: (name, change) => around(`swap ${name}`, () => pointers.swap(name, change)),
  };
}
