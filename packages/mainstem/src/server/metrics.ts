import { Counter, Gauge, Histogram, Registry as PromRegistry } from "prom-client";
import type { Ingest } from "../ingest/index.ts";
import type { Log, TopicPartition } from "../log/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import { toErrorValue } from "../runtime/errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { PlatformView } from "./view.ts";

export interface Metrics {
  readonly contentType: string;
  /** Counts a request that was answered. */
  observe(request: { readonly method: string; readonly route: string; readonly status: number; readonly seconds: number }): void;
  /** The text for a scraper: counters as they are, positions read now. */
  scrape(): Promise<string>;
}

export interface MetricsOptions {
  readonly registry: Registry;
  readonly log: Log;
  readonly ingest: Ingest;
  readonly view: PlatformView;
  readonly logger: Logger;
}

/** Everything that is measured, in base units, in a registry of its own. */
export function createMetrics({ registry, log, ingest, view, logger }: MetricsOptions): Metrics {
  const own = createInstruments();

  async function refresh(): Promise<void> {
    for (const instrument of own.refreshed) instrument.reset();
    showDoor(own, ingest);
    showTasks(own, view);
    for (const dataset of await registry.list()) {
      try {
        await showDataset(own, dataset, { log, view });
      } catch (error) {
        // One dataset that cannot be read must not hide the others.
        logger.warn("metrics of a dataset could not be read", { dataset: dataset.contract.name, ...toErrorValue(error) });
      }
    }
  }

  let running: Promise<void> | undefined;
  return {
    contentType: own.registry.contentType,
    observe: ({ method, route, status, seconds }) => own.requests.observe({ method, route, status: String(status) }, seconds),
    async scrape() {
      // Scrapes that overlap share one reading, so that they do not reset one another's values.
      running ??= refresh().finally(() => (running = undefined));
      await running;
      return own.registry.metrics();
    },
  };
}

type Instruments = ReturnType<typeof createInstruments>;

function createInstruments() {
  const registry = new PromRegistry();
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> =>
    new Gauge({ name: `mainstem_${name}`, help, labelNames, registers: [registry] });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> =>
    new Counter({ name: `mainstem_${name}`, help, labelNames, registers: [registry] });
  const refreshed = {
    records: counter("ingest_records_total", "Records at the door by what became of them.", ["dataset", "outcome"]),
    bytes: counter("ingest_body_bytes_total", "Bytes of decompressed bodies.", ["dataset"]),
    held: gauge("ingest_held_bytes", "Memory that requests hold at the door."),
    waiting: gauge("ingest_waiting_requests", "Requests that wait for memory at the door."),
    logFirst: gauge("log_first_offset", "The first offset that can be read.", ["dataset", "partition"]),
    logEnd: gauge("log_end_offset", "The offset that the next record gets.", ["dataset", "partition"]),
    archiveNext: gauge("archive_next_offset", "The first offset that the archive does not hold.", ["dataset", "partition"]),
    archiveThrough: gauge("archive_complete_through_timestamp_seconds", "Everything appended up to then is in the archive.", ["dataset"]),
    tableRows: gauge("table_rows", "Rows of the current snapshot.", ["dataset"]),
    tableCommitted: gauge("table_committed_timestamp_seconds", "When the current snapshot was committed.", ["dataset"]),
    tableThrough: gauge("table_complete_through_timestamp_seconds", "Everything appended up to then is in the table.", ["dataset"]),
    tableSnapshots: gauge("table_snapshots", "Snapshots in the table's metadata.", ["dataset"]),
    tableExpired: counter("table_snapshots_expired_total", "Snapshots that were expired since the start.", ["dataset"]),
    tableDeleted: counter("table_expired_objects_deleted_total", "Objects of expired snapshots that were deleted since the start.", ["dataset"]),
    tableWaiting: gauge("table_expired_objects_waiting", "Objects of expired snapshots that wait for the end of their grace.", ["dataset"]),
    taskPosition: gauge("task_position", "How far a task is, in its own unit.", ["task"]),
    taskEnd: gauge("task_end", "Where a task has to get to, in its own unit.", ["task"]),
    taskRate: gauge("task_rate_per_second", "Units a second, the average over six periods of the task.", ["task"]),
    taskAdvanced: gauge("task_last_advance_timestamp_seconds", "When a task last advanced.", ["task"]),
    taskRestarts: counter("task_restarts_total", "How often a task was started again after an error.", ["task"]),
    taskState: gauge("task_state", "1 for the state that a task is in.", ["task", "state"]),
    taskVerdict: gauge("task_verdict", "1 for the verdict on a task: ok, slow, stuck, paused, failed or idle.", ["task", "verdict"]),
    resident: new Gauge({ name: "process_resident_memory_bytes", help: "Resident memory of the process.", registers: [registry] }),
    cpu: new Counter({ name: "process_cpu_seconds_total", help: "CPU time of the process.", registers: [registry] }),
  };
  const requests = new Histogram({
    name: "mainstem_http_request_duration_seconds",
    help: "Time from a request's headers to the end of its answer.",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  return { registry, requests, ...refreshed, refreshed: Object.values(refreshed) };
}

function showDoor(own: Instruments, ingest: Ingest): void {
  for (const [dataset, { accepted, quarantined, refused, bytes }] of ingest.counts()) {
    own.records.inc({ dataset, outcome: "accepted" }, accepted);
    own.records.inc({ dataset, outcome: "quarantined" }, quarantined);
    own.records.inc({ dataset, outcome: "refused" }, refused);
    own.bytes.inc({ dataset }, bytes);
  }
  const { heldBytes, waiting } = ingest.status();
  own.held.set(heldBytes);
  own.waiting.set(waiting);
  const { user, system } = process.cpuUsage();
  own.cpu.inc((user + system) / 1_000_000);
  own.resident.set(process.memoryUsage.rss());
}

function showTasks(own: Instruments, view: PlatformView): void {
  for (const { name: task, state, verdict, progress, restarts, ratePerSecond, lastAdvance } of view.tasks()) {
    own.taskState.set({ task, state }, 1);
    own.taskVerdict.set({ task, verdict }, 1);
    own.taskRestarts.inc({ task }, restarts);
    if (ratePerSecond !== undefined) own.taskRate.set({ task }, ratePerSecond);
    if (lastAdvance !== undefined) own.taskAdvanced.set({ task }, lastAdvance / 1_000);
    if (progress === undefined) continue;
    own.taskPosition.set({ task }, progress.position);
    own.taskEnd.set({ task }, progress.end);
  }
}

async function showDataset(own: Instruments, { contract, topics }: Dataset, { log, view }: { readonly log: Log; readonly view: PlatformView }): Promise<void> {
  const dataset = contract.name;
  const { name: topic, id: topicId, partitions } = topics.records;
  for (let partition = 0; partition < partitions; partition++) {
    const { first, end } = await log.bounds({ topic, topicId, partition: partition as TopicPartition["partition"] });
    own.logFirst.set({ dataset, partition }, first);
    own.logEnd.set({ dataset, partition }, end);
  }
  const { archive, table } = await view.status(dataset);
  for (const { partition, next } of archive.partitions) own.archiveNext.set({ dataset, partition }, next);
  if (archive.completeThrough !== undefined) own.archiveThrough.set({ dataset }, archive.completeThrough / 1_000);
  if (table?.completeThrough !== undefined) own.tableThrough.set({ dataset }, table.completeThrough / 1_000);
  if (table === undefined) return;
  own.tableSnapshots.set({ dataset }, table.snapshots);
  own.tableExpired.inc({ dataset }, table.expired.snapshots);
  own.tableDeleted.inc({ dataset }, table.expired.deleted);
  own.tableWaiting.set({ dataset }, table.expired.waiting);
  if (table.snapshot === undefined) return;
  own.tableRows.set({ dataset }, table.snapshot.rows);
  own.tableCommitted.set({ dataset }, table.snapshot.committedAt / 1_000);
}
