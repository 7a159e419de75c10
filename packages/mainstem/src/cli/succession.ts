import type { EndDetail, NeighbourDetail, ReaderDetail } from "./answers.ts";
import { formatCounted } from "./text-table.ts";

/** Where a dataset ends that another one continues. */
export function describeEnd({ closedAt, partitions }: Pick<EndDetail, "closedAt" | "partitions">): string {
  const records = formatCounted(
    partitions.reduce((sum, { end }) => sum + end, 0),
    "record",
  );
  return closedAt === null ? `open (${records} so far)` : `closed since ${closedAt} at ${records}`;
}

/** How far the groups are in the older one of two datasets. */
export function describeMoves({ closedAt, groups }: Pick<NeighbourDetail, "closedAt" | "groups">): readonly string[] {
  return groups.map((reader) => `${reader.group}, ${reader.moved ? "has moved on" : describeBehind(reader, { closedAt })}`);
}

/** How far a group is that has not moved. */
export function describeBehind({ behind }: Pick<ReaderDetail, "behind">, { closedAt }: Pick<EndDetail, "closedAt">): string {
  if (behind > 0) return `${formatCounted(behind, "record")} behind`;
  return closedAt === null ? "has read all so far" : "has read all of it";
}
