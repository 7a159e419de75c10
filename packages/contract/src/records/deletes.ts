import type { Contract } from "../contract.ts";
import type { NativeRecord } from "./decoder.ts";

/** Compiles whether a record is a delete. Null in the delete field is none. */
export function compileIsDelete({ deletes }: Pick<Contract, "deletes">): (native: NativeRecord) => boolean {
  if (deletes === undefined) return () => false;
  const { field, values } = deletes;
  if (values === undefined) return (native) => native[field] === true;
  const texts: ReadonlySet<unknown> = new Set(values);
  return (native) => texts.has(native[field]);
}
