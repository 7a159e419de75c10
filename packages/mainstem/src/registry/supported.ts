import type { Contract } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";

/** Refuses what a contract can declare and no table can be built of yet. Throws `contract.unsupported`. */
export function checkSupported({ name, merge, order }: Contract): void {
  // Under merge none nothing is compared, so no order is asked for.
  const missing = order === "log" && merge.kind !== "none" ? ["order by the log"] : [];
  if (missing.length === 0) return;
  throw new MainstemError("contract.unsupported", `Tables cannot be built with ${missing.join(" and ")} yet; declare ${name} without.`, {
    dataset: name,
    missing,
  });
}
