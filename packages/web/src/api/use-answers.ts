import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ContractVersion, Dataset, DatasetSummary, InboxEntry, InboxGroup, QueryAnswer, Snapshot, Task, WaitingDataset } from "./answers.ts";
import { ask, isLocked, isPassing } from "./ask.ts";

/** How often what moves is asked for again. */
const refreshMs = 2_000;
interface Asked {
  readonly state: { readonly error: Error | null };
}
/** While nobody is let in, asking again would not help. */
const live = { refetchInterval: ({ state }: Asked) => (isLocked(state.error) ? false : refreshMs) };
/** What changes only with what is asked for; a failure may pass. The answer before stands until there is the next one. */
const lasting = { refetchInterval: ({ state }: Asked) => (isPassing(state.error) ? refreshMs : false), placeholderData: keepPreviousData };
/** Rows that are shown of a table. */
export const sampleRowsMax = 20;

export function useDatasets() {
  return useQuery({
    queryKey: ["datasets"],
    queryFn: ({ signal }) => ask<{ readonly datasets: readonly DatasetSummary[]; readonly waiting: readonly WaitingDataset[] }>("/v1/datasets", { signal }),
    ...live,
  });
}

export function useTasks() {
  return useQuery({ queryKey: ["tasks"], queryFn: ({ signal }) => ask<{ readonly tasks: readonly Task[] }>("/v1/tasks", { signal }), ...live });
}

export function useDataset(name: string) {
  return useQuery({ queryKey: ["dataset", name], queryFn: ({ signal }) => ask<Dataset>(pathOf(name), { signal }), ...live });
}

/** Asked again when the version is another. */
export function useHistory(name: string, version: number) {
  return useQuery({
    queryKey: ["history", name, version],
    queryFn: ({ signal }) => ask<{ readonly versions: readonly ContractVersion[] }>(`/v1/definitions/dataset/${encodeURIComponent(name)}/history`, { signal }),
    ...lasting,
  });
}

/** Asked again when the current snapshot is another. */
export function useSnapshots(name: string, current: string | undefined) {
  return useQuery({
    queryKey: ["snapshots", name, current],
    queryFn: ({ signal }) => ask<{ readonly snapshots: readonly Snapshot[] }>(`${pathOf(name)}/snapshots`, { signal }),
    ...lasting,
  });
}

/** The first rows of a snapshot, and how many a query counts in it. */
export function useRows(name: string, snapshot: string | undefined) {
  const table = name
    .split(".")
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
  const at = snapshot === undefined ? {} : { at: { [name]: snapshot } };
  return useQuery({
    queryKey: ["rows", name, snapshot],
    queryFn: async ({ signal }) => {
      const sample = await ask<QueryAnswer>("/v1/query", { body: { sql: `SELECT * FROM ${table} LIMIT ${sampleRowsMax}`, ...at }, signal });
      const counted = await ask<QueryAnswer>("/v1/query", { body: { sql: `SELECT count(*) FROM ${table}`, ...at }, signal });
      return { snapshot, sample, counted: Number(counted.rows[0]?.[0]) };
    },
    enabled: snapshot !== undefined,
    ...lasting,
  });
}

/** Asked again when the topic of the inbox has another end: entries come and are settled there. */
export function useInbox(name: string, end: number) {
  return useQuery({
    queryKey: ["inbox", name, end],
    queryFn: ({ signal }) =>
      ask<{ readonly entries: number; readonly more: boolean; readonly groups: readonly InboxGroup[] }>(`${pathOf(name)}/inbox`, { signal }),
    ...lasting,
  });
}

export function useInboxEntry(name: string, id: string) {
  return useQuery({
    queryKey: ["entry", name, id],
    queryFn: ({ signal }) => ask<InboxEntry>(`${pathOf(name)}/inbox/entry?id=${encodeURIComponent(id)}`, { signal }),
    ...lasting,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Pauses a task, or lets it go on. */
export function useTaskControl(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: "pause" | "resume") =>
      ask<Task>(`/v1/tasks/${encodeURIComponent(name)}/${action}`, { body: action === "pause" ? { by: "web page" } : {} }),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["tasks"] }), client.invalidateQueries({ queryKey: ["dataset"] })]),
  });
}

function pathOf(name: string): string {
  return `/v1/datasets/${encodeURIComponent(name)}`;
}
