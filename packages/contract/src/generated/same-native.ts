/** Whether two native values are the same, the order of properties and entries included. */
export function isSameNative(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map) return areSame([...a].flat(), [...(b as ReadonlyMap<unknown, unknown>)].flat());
  if (a instanceof Uint8Array || Array.isArray(a)) return areSame(a, b as ArrayLike<unknown>);
  return areSame(Object.entries(a).flat(), Object.entries(b).flat());
}

function areSame(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (!isSameNative(a[index], b[index])) return false;
  return true;
}
