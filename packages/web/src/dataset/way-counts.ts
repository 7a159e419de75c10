import type { Dataset, PartitionPlace, TopicPlaces } from "../api/answers.ts";
import { formatAmount, formatCount } from "../numbers.ts";

/** The door's count and the log's end, as they stood when the page first looked, or after the server began anew. */
export interface WayBaseline {
  readonly accepted: number;
  readonly end: number;
}

/** What a dataset's stations count, and whether that fits together. */
export interface WayCounts {
  /** Records ever appended to the topic, and those of them that can still be read. */
  readonly appended: number;
  readonly readable: number;
  /** Undefined while the archive has not looked at the log since the start. */
  readonly archived: number | undefined;
  readonly archiveWaits: number | undefined;
  /** Records that the table has taken in; 0 before the first snapshot. */
  readonly tabled: number;
  readonly tableWaits: number | undefined;
  readonly rows: number | null;
  readonly agreement: Agreement;
}

export type Agreement =
  /** Every station holds what the one before it holds. */
  | { readonly kind: "agree" }
  /** Nothing contradicts, and some are on their way. */
  | { readonly kind: "moving" }
  /** One of them cannot be right. */
  | { readonly kind: "disagree"; readonly faults: readonly WayFault[] };

export interface WayFault {
  readonly station: "log" | "archive" | "table";
  readonly sentence: string;
}

export type CountedDataset = Pick<Dataset, "rows" | "generations" | "topics" | "door" | "archive" | "table">;

/**
 * Compares the counts of one answer of the API, which reads each station after the one whose records it must hold: so a station that is ahead of the one
 * before it is wrong, not early. `counted`: the rows that a query found in the snapshot of that id.
 */
export function countWay(
  dataset: CountedDataset,
  known: { readonly baseline?: WayBaseline; readonly counted?: { readonly snapshot: string; readonly rows: number } } = {},
): WayCounts {
  const { topics, archive, table } = dataset;
  const { partitions } = topics.records;
  const appended = endOf(topics.records);
  const readable = partitions.reduce((sum, { first, end }) => sum + end - first, 0);
  const archived = archive.partitions.length === 0 ? undefined : sumOf(archive.partitions);
  const tabled = sumOf(table?.partitions ?? []);
  const faults = [...doorFaults(dataset, known.baseline), ...archiveFaults(dataset), ...tableFaults(dataset), ...rowFaults(dataset, known.counted)];
  const settled = archived === appended && tabled === appended;
  return {
    appended,
    readable,
    archived,
    archiveWaits: archived === undefined ? undefined : Math.max(0, appended - archived),
    tabled,
    tableWaits: archived === undefined ? undefined : Math.max(0, archived - tabled),
    rows: dataset.rows,
    agreement: faults.length > 0 ? { kind: "disagree", faults } : { kind: settled ? "agree" : "moving" },
  };
}

/** Keeps the first look, until the door counts less than before: then the server began anew. */
export function nextBaseline(baseline: WayBaseline | undefined, { door, topics }: Pick<Dataset, "door" | "topics">): WayBaseline {
  return baseline !== undefined && door.accepted >= baseline.accepted ? baseline : { accepted: door.accepted, end: endOf(topics.records) };
}

export function endOf({ partitions }: TopicPlaces): number {
  return partitions.reduce((sum, { end }) => sum + end, 0);
}

function doorFaults({ door, topics, generations }: CountedDataset, baseline: WayBaseline | undefined): readonly WayFault[] {
  const end = endOf(topics.records);
  if (generations.length === 1 && door.accepted > end)
    return [{ station: "log", sentence: `The door accepted ${formatAmount(door.accepted, "record")}, and the log was given only ${formatCount(end)}.` }];
  if (baseline === undefined || door.accepted < baseline.accepted || end < baseline.end) return [];
  const [accepted, grown] = [door.accepted - baseline.accepted, end - baseline.end];
  if (accepted <= grown) return [];
  return [
    {
      station: "log",
      sentence: `While this page looked, the door accepted ${formatAmount(accepted, "record")}, and the log grew by only ${formatCount(grown)}.`,
    },
  ];
}

function archiveFaults({ topics, archive }: CountedDataset): readonly WayFault[] {
  return topics.records.partitions.flatMap(({ partition, first, end }): readonly WayFault[] => {
    const next = nextIn(archive.partitions, partition);
    if (next === undefined) return [];
    if (next > end)
      return [
        { station: "archive", sentence: `In partition ${partition} the archive stands at ${formatCount(next)}, and the log ends at ${formatCount(end)}.` },
      ];
    if (next < first)
      return [
        {
          station: "archive",
          sentence: `In partition ${partition} the log begins at ${formatCount(first)}, and the archive has read only to ${formatCount(next)}.`,
        },
      ];
    return [];
  });
}

function tableFaults({ topics, archive, table }: CountedDataset): readonly WayFault[] {
  return topics.records.partitions.flatMap(({ partition, end }): readonly WayFault[] => {
    const next = nextIn(table?.partitions ?? [], partition) ?? 0;
    const archived = nextIn(archive.partitions, partition);
    if (archived !== undefined && next > archived)
      return [
        { station: "table", sentence: `In partition ${partition} the table stands at ${formatCount(next)}, and the archive at ${formatCount(archived)}.` },
      ];
    if (next > end)
      return [{ station: "table", sentence: `In partition ${partition} the table stands at ${formatCount(next)}, and the log ends at ${formatCount(end)}.` }];
    return [];
  });
}

function rowFaults(
  { generations, rows, table }: CountedDataset,
  counted: { readonly snapshot: string; readonly rows: number } | undefined,
): readonly WayFault[] {
  const snapshot = table?.snapshot;
  if (snapshot === undefined || snapshot === null || rows === null) return [];
  const taken = sumOf(table?.partitions ?? []);
  if (counted !== undefined && counted.snapshot === snapshot.id && counted.rows !== snapshot.rows)
    return [
      { station: "table", sentence: `The snapshot says that it has ${formatAmount(snapshot.rows, "row")}, and a query counts ${formatCount(counted.rows)}.` },
    ];
  // Rows of earlier topics of the dataset are no records of this one.
  if (generations.length === 1 && rows > taken)
    return [{ station: "table", sentence: `The table has ${formatAmount(rows, "row")} of only ${formatAmount(taken, "record")}.` }];
  return [];
}

function nextIn(places: readonly PartitionPlace[], partition: number): number | undefined {
  return places.find((place) => place.partition === partition)?.next;
}

function sumOf(places: readonly PartitionPlace[]): number {
  return places.reduce((sum, { next }) => sum + next, 0);
}
