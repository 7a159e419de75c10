import type { Instant, Log, Partition } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Dataset } from "../registry/index.ts";
import { unreachable } from "../runtime/assert.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { ResetTarget } from "../tasks/index.ts";
import { readChainEnd } from "./chain.ts";

/**
 * Judges whether the archive may begin anew at a place: only at the chain's end, which is where a run begins by itself. Below it the chain stands for
 * ever, beyond it records would be left out of the archive.
 * Errors: `task.resetRefused` with the partition and both offsets.
 */
export async function checkArchiveReset(
  to: ResetTarget,
  rooms: { readonly dataset: Dataset; readonly log: Log; readonly objects: ObjectStore; readonly signal: AbortSignal },
): Promise<void> {
  const { dataset, log, objects, signal } = rooms;
  if (to.kind === "chain-end") return;
  const { name: topic, id: topicId, partitions } = dataset.topics.records;
  for (let partition = 0; partition < partitions; partition++) {
    const of = { topic, topicId, partition: partition as Partition };
    const chainEnd = (await readChainEnd(objects, of, { signal }))?.next ?? 0;
    const offset = await toOffset(to, (time) => log.offsetAt(of, time, { signal }));
    const facts = { dataset: dataset.contract.name, partition, chainEnd, offset };
    if (offset < chainEnd)
      throw new MainstemError(
        "task.resetRefused",
        `The archive of ${dataset.contract.name} holds partition ${partition} up to offset ${chainEnd}, and what it holds is never written again: it cannot go back to ${offset}. To read from there, replay it; to begin where the archive ends, reset to chain-end.`,
        facts,
      );
    if (offset > chainEnd)
      throw new MainstemError(
        "task.resetRefused",
        `The archive of ${dataset.contract.name} ends at offset ${chainEnd} of partition ${partition}: from ${offset} on, the records between would be left out of it for ever. Reset to chain-end.`,
        facts,
      );
  }
}

async function toOffset(to: Exclude<ResetTarget, { readonly kind: "chain-end" }>, offsetAt: (time: Instant) => Promise<number>): Promise<number> {
  switch (to.kind) {
    case "beginning":
      return 0;
    case "offset":
      return to.offset;
    case "time":
      return offsetAt(to.time as Instant);
    default:
      return unreachable(to);
  }
}
