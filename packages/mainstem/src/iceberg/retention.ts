import type { SnapshotEntry, TableMetadata } from "./metadata.ts";
import type { SnapshotRetention } from "./model.ts";
import { summaryKeys } from "./snapshot-summary.ts";

/** What a table forgets. */
export interface Cut {
  readonly forgotten: ReadonlySet<bigint>;
  /** How many entries of the snapshot log go, the oldest: what is left of it has no gap, so that time travel knows what it does not know. */
  readonly logEntries: number;
}

/** A cut is made once it takes so much more than retention asks for: each costs a look at everything that stays. */
const slack = 1.1;
/** What a snapshot may have from an ancestor: those on the way to it stay as well. */
const inherited = [summaryKeys.checkpoint, summaryKeys.tombstones, summaryKeys.contractVersion] as const;

/**
 * Decides which snapshots a table forgets at the time `now` (milliseconds since 1970).
 *
 * Of the versions that readers have seen, the newest stay, without a gap: `least` at any age, beyond these what was still current within `keepMs`, and
 * never more than `most`. A snapshot that never was current stays for `keepMs`. Always there are: the current snapshot, those of branches and tags, the
 * own line of a branch, what is held, and what one of these inherits from.
 */
export function cutOf(
  metadata: TableMetadata,
  { retention, now, held }: { readonly retention: SnapshotRetention; readonly now: number; readonly held: ReadonlySet<bigint> },
): Cut {
  const lax = { ...retention, keepMs: retention.keepMs * slack, most: Math.floor(retention.most * slack) };
  const none: Cut = { forgotten: new Set(), logEntries: 0 };
  if (cutBy(metadata, { retention: lax, now, held }).forgotten.size === 0) return none;
  return cutBy(metadata, { retention, now, held });
}

function cutBy(metadata: TableMetadata, { retention, now, held }: Parameters<typeof cutOf>[1]): Cut {
  const { snapshots, snapshotLog } = metadata;
  const logEntries = firstKept(snapshotLog, retention, now);
  const logged = new Set(snapshotLog.map(({ snapshotId }) => snapshotId));
  const kept = new Set([
    ...snapshotLog.slice(logEntries).map(({ snapshotId }) => snapshotId),
    ...(metadata.current === undefined ? [] : [metadata.current.id]),
    ...metadata.refs.values(),
    ...ownLines(metadata, logged),
    ...held,
    ...snapshots.filter(({ id, timestamp }) => !logged.has(id) && timestamp > now - retention.keepMs).map(({ id }) => id),
  ]);
  keepAncestors(snapshots, kept);
  return { forgotten: new Set(snapshots.map(({ id }) => id).filter((id) => !kept.has(id))), logEntries };
}

/** The place in the log from which on it is kept. An entry was current until the next one. */
function firstKept(log: TableMetadata["snapshotLog"], { keepMs, least, most }: SnapshotRetention, now: number): number {
  let first = log.length;
  while (first > 0) {
    const kept = log.length - first;
    const until = log[first]?.timestamp ?? Number.POSITIVE_INFINITY;
    if (kept >= most || (kept >= least && until <= now - keepMs)) break;
    first -= 1;
  }
  return first;
}

/** The snapshots that branches beside `main` have for themselves. */
function* ownLines({ snapshots, refs, current }: TableMetadata, logged: ReadonlySet<bigint>): Iterable<bigint> {
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  const main = new Set([...logged, ...[...lineOf(byId, current)].map(({ id }) => id)]);
  for (const [name, id] of refs) {
    if (name === "main") continue;
    for (const snapshot of lineOf(byId, byId.get(id))) {
      if (main.has(snapshot.id)) break;
      yield snapshot.id;
    }
  }
}

/** A snapshot and its ancestors. Sequence numbers fall from child to parent, so that even damaged parents cannot make a circle. */
function* lineOf(byId: ReadonlyMap<bigint, SnapshotEntry>, from: SnapshotEntry | undefined): Iterable<SnapshotEntry> {
  for (let at = from, last = Number.POSITIVE_INFINITY; at !== undefined && at.sequenceNumber < last;) {
    yield at;
    last = at.sequenceNumber;
    at = at.parentId === undefined ? undefined : byId.get(at.parentId);
  }
}

/** Adds to what is kept all on the way to the nearest ancestor that says what the snapshot does not. */
function keepAncestors(snapshots: readonly SnapshotEntry[], kept: Set<bigint>): void {
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  for (const key of inherited) {
    /** Whether an ancestor says it: what was walked once is not walked again. */
    const known = new Map<bigint, boolean>();
    for (const id of kept) {
      const way: bigint[] = [];
      let found = false;
      for (const snapshot of lineOf(byId, byId.get(id))) {
        const answer = snapshot.summary[key] === undefined ? known.get(snapshot.id) : true;
        way.push(snapshot.id);
        if (answer === undefined) continue;
        found = answer;
        break;
      }
      for (const one of way) {
        known.set(one, found);
        if (found) kept.add(one);
      }
    }
  }
}
