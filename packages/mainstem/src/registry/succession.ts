import type { Contract } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import type { Dataset, NewDataset } from "./dataset.ts";
import type { StoredDataset } from "./stored-dataset.ts";

/** What following a dataset needs of the registry. */
export interface SuccessionRegistry {
  get(name: string): Promise<Dataset | undefined>;
  successorOf(name: string): Promise<Dataset | undefined>;
  /** Changes a stored definition by compare-and-swap; `change` is asked again when another came first, and leaves it alone with undefined. */
  amend(name: string, change: (stored: StoredDataset) => StoredDataset | undefined): Promise<Dataset>;
}

/**
 * Makes a dataset that is about to be created the one that may follow its predecessor: written into the predecessor's definition, so that of several
 * at once one wins. It stays when the dataset is not made after all: then the same one has to be applied again.
 */
export async function claimPredecessor({ name, predecessor }: Contract, registry: SuccessionRegistry, provenance: string | undefined): Promise<void> {
  if (predecessor === undefined) return;
  await checkPredecessor({ name, predecessor }, registry);
  for (let forfeited: string | undefined; ;) {
    let holder: string | undefined;
    await registry.amend(predecessor, (stored) => {
      holder = stored.successor;
      return holder === undefined || holder === forfeited ? { ...stored, successor: name, provenance } : undefined;
    });
    if (holder === undefined || holder === name || holder === forfeited) return;
    if (!(await isForfeit(holder, predecessor, registry))) throw taken({ name, predecessor, successor: holder });
    forfeited = holder;
  }
}

/** It is named at birth and frozen, and has to be there already, or among those that will have been `created`: so there can be no circle. */
export async function checkPredecessor(
  { name, predecessor }: NewDataset,
  registry: Pick<SuccessionRegistry, "get" | "successorOf">,
  created: readonly NewDataset[] = [],
): Promise<void> {
  if (predecessor === undefined) return;
  if (!created.some((one) => one.name === predecessor) && (await registry.get(predecessor)) === undefined)
    throw new MainstemError("registry.predecessorInvalid", `${name} names ${predecessor} as its predecessor, and there is no such dataset.`, { predecessor });
  const follower = created.find((one) => one.predecessor === predecessor) ?? (await registry.successorOf(predecessor))?.contract;
  const successor = follower?.name;
  if (successor !== undefined && successor !== name) throw taken({ name, predecessor, successor });
}

/** A claim for a dataset that was then made without naming a predecessor: that cannot change any more. */
async function isForfeit(name: string, predecessor: string, registry: SuccessionRegistry): Promise<boolean> {
  const dataset = await registry.get(name);
  return dataset !== undefined && dataset.contract.predecessor !== predecessor;
}

function taken({ name, predecessor, successor }: { readonly name: string; readonly predecessor: string; readonly successor: string }): MainstemError {
  const message = `${name} cannot follow ${predecessor}: ${successor} does already, or was about to be made (then apply that one again).`;
  return new MainstemError("registry.predecessorInvalid", message, { predecessor, successor });
}
