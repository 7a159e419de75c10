import { path } from "./client.ts";
import type { Context } from "./context.ts";

export interface GroupDetail {
  readonly group: string;
  readonly from: string;
  readonly code: string;
  readonly path: string;
  readonly expected: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  readonly example: string;
}
export interface GroupsDetail {
  readonly groups: readonly GroupDetail[];
  readonly entries: number;
  readonly more: boolean;
}
/** What waits in a dataset's inbox, by cause. */
export async function readGroups({ client, signal }: Context, name: string): Promise<GroupsDetail> {
  return (await client.call({ path: path`/v1/datasets/${name}/inbox`, signal })).body as GroupsDetail;
}
