import type { EndDetail, NeighbourDetail } from "./answers.ts";
import { formatCount } from "./text-table.ts";

/** Where a dataset ends that another one continues. */
export function describeEnd({ closedAt, partitions }: Pick<EndDetail, "closedAt" | "partitions">): string {
  const records = formatCount(partitions.reduce((sum, { end }) => sum + end, 0));
  return closedAt === null ? `open (${records} records so far)` : `closed since ${closedAt} at ${records} records`;
}

/** How far the groups are in the older one of two datasets. */
export function describeMoves({ groups }: Pick<NeighbourDetail, "groups">): readonly string[] {
  return groups.map(
    ({ group, behind, moved }) => `${group}, ${moved ? "has moved on" : behind === 0 ? "has read all so far" : `${formatCount(behind)} records behind`}`,
  );
}
