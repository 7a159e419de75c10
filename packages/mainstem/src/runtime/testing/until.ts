import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** A machine that is busy with other tests is slow, and that is no failure: a wait that ends well costs nothing of this. */
const waitMsMax = 120_000;

/**
 * Looks until there is something, neither undefined, null nor false, and gives it. Fails after two minutes with what was waited for, a sentence that goes on
 * from "waited in vain until".
 */
export async function until<T>(
  what: string | (() => string),
  look: () => T | Promise<T>,
  { everyMs = 2 }: { readonly everyMs?: number } = {},
): Promise<Exclude<T, undefined | null | false>> {
  for (const end = performance.now() + waitMsMax; ; await sleep(everyMs)) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found as Exclude<T, undefined | null | false>;
    assert.ok(performance.now() < end, `waited in vain until ${typeof what === "string" ? what : what()}`);
  }
}
