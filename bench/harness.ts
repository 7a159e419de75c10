import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** One figure of ours beside the peer's from the same run. A ratio above 1 means that ours is better, whatever the unit. */
export interface Comparison {
  readonly bench: string;
  readonly case: string;
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
  readonly unit: string;
}

export interface BenchOptions {
  /** Less data and fewer repetitions: shows that the benchmark runs, its figures are rough. */
  readonly quick: boolean;
  /** A line for the person who waits; goes to standard error. */
  readonly note: (line: string) => void;
}

/** What every file of this folder exports as `run`. */
export type Bench = (options: BenchOptions) => Promise<readonly Comparison[]>;

/** What one run of a contender did. Times that are left out are those of this process between call and end. */
export interface Work {
  /** Records, bytes, …: what rates are counted in. */
  readonly units: number;
  /** Given where other processes do the work. */
  readonly cpuSeconds?: number;
  readonly wallSeconds?: number;
}

export interface Contender {
  readonly name: string;
  /** Does the same amount of work each time. What should not count (making data, cleaning up) goes into `before` and `after`. */
  run(): Promise<Work> | Work;
  before?(): Promise<void> | void;
  /** The same work straight before each run, which does not count: one that rested while others ran would pay for that (decision 049). */
  wake?(): Promise<void> | void;
  after?(): Promise<void> | void;
}

/** Units per second, the median of the repetitions. */
export interface Rates {
  readonly name: string;
  readonly perCpuSecond: number;
  readonly perSecond: number;
  /** CPU seconds of a unit in each repetition; all contenders ran the one of an index close to one another. */
  readonly cpuSecondsByTurn: readonly number[];
}

export interface RunOptions {
  readonly reps: number;
  /** So many runs at least do not count, by default as many as make some CPU time. */
  readonly warmUps?: number;
  /** Called before all contenders have their turn. */
  readonly beforeTurn?: () => void;
}

/** A contender warms up for so much CPU at least: code that is still being compiled costs several times what it costs later, on other threads too. */
const warmUpCpuSeconds = 0.7;
/** Or for so long: what waits for a disk uses little of it. */
const warmUpMsMax = 7_000;

/**
 * Runs every contender `reps` times, in turns and each time beginning with another, so that what disturbs the machine disturbs all of
 * them. Before that each runs once or more to warm up, which does not count.
 */
export async function interleave(contenders: readonly Contender[], { reps, warmUps = 0, beforeTurn }: RunOptions): Promise<readonly Rates[]> {
  const samples = new Map<string, Required<Work>[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders) {
    const start = performance.now();
    let cpuSeconds = 0;
    const isCold = (): boolean => cpuSeconds < warmUpCpuSeconds && performance.now() - start < warmUpMsMax;
    for (let runs = 0; runs < warmUps || isCold(); runs++) cpuSeconds += (await measure(contender)).cpuSeconds;
  }
  for (let turn = 0; turn < reps; turn++) {
    beforeTurn?.();
    const first = turn % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) samples.get(contender.name)?.push(await measure(contender));
  }
  return contenders.map(({ name }) => {
    const own = samples.get(name) ?? [];
    return {
      name,
      perCpuSecond: median(own.map(({ units, cpuSeconds }) => units / cpuSeconds)),
      perSecond: median(own.map(({ units, wallSeconds }) => units / wallSeconds)),
      cpuSecondsByTurn: own.map(({ units, cpuSeconds }) => cpuSeconds / units),
    };
  });
}

export interface Case extends RunOptions {
  readonly bench: string;
  readonly case: string;
  /** What is counted: `records`, `MB` … */
  readonly unit: string;
  readonly ours: Contender;
  readonly peers: readonly Contender[];
}

/** Ours against each peer, once by CPU time of the whole process (the steadier figure on a shared machine) and once by wall time. */
export async function compare({ bench, case: title, unit, ours, peers, ...options }: Case): Promise<readonly Comparison[]> {
  const [own, ...others] = await interleave([ours, ...peers], options);
  if (own === undefined) return [];
  return others.flatMap((other) => {
    const named = `${title}, against ${other.name}`;
    return [
      toComparison({ bench, case: named, ours: own.perCpuSecond, peer: other.perCpuSecond, unit: `${unit}/CPU s`, better: "higher" }),
      toComparison({ bench, case: named, ours: own.perSecond, peer: other.perSecond, unit: `${unit}/s`, better: "higher" }),
    ];
  });
}

export function toComparison(figures: Omit<Comparison, "ratio"> & { readonly better: "higher" | "lower" }): Comparison {
  const { better, ...rest } = figures;
  const ratio = better === "higher" ? rest.ours / rest.peer : rest.peer / rest.ours;
  return { bench: rest.bench, case: rest.case, ours: round(rest.ours), peer: round(rest.peer), ratio: Number(ratio.toFixed(2)), unit: rest.unit };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** What a reader must know to judge the figures. */
export function machineFacts(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0]?.toFixed(1) ?? "?";
  return `${availableParallelism()} cores (${model}), ${memory} GB, ${process.platform}-${process.arch}, Node ${process.versions.node}, load ${load} before, ${new Date().toISOString()}`;
}

setFlagsFromString("--expose-gc");
/** What one contender leaves behind would otherwise be swept, by other threads, while the next one is measured. */
const collectGarbage = runInNewContext("gc") as () => void;

async function measure(contender: Contender): Promise<Required<Work>> {
  await contender.before?.();
  collectGarbage();
  await contender.wake?.();
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  const work = await contender.run();
  const wallSeconds = (performance.now() - wallBefore) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  await contender.after?.();
  return { units: work.units, cpuSeconds: work.cpuSeconds ?? (cpu.user + cpu.system) / 1e6, wallSeconds: work.wallSeconds ?? wallSeconds };
}

/** Three significant digits are more than a shared machine gives. */
function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
