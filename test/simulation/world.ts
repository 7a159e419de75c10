import assert from "node:assert/strict";
import { openIcebergTables } from "../../packages/mainstem/src/iceberg/index.ts";
import { openEmbeddedLog } from "../../packages/mainstem/src/log/embedded/index.ts";
import type { FileSystem } from "../../packages/mainstem/src/log/embedded/file-system.ts";
import { SimulatedFileSystem } from "../../packages/mainstem/src/log/embedded/simulated-file-system.ts";
import { RecordBatchBuilder, type Log } from "../../packages/mainstem/src/log/index.ts";
import { createRandom } from "../../packages/mainstem/src/log/log-testing.ts";
import type { ObjectStore } from "../../packages/mainstem/src/objects/index.ts";
import { factsOf, messageOf } from "../../packages/mainstem/src/runtime/errors.ts";
import { silentLogger } from "../../packages/mainstem/src/runtime/logger.ts";
import type { StateStore } from "../../packages/mainstem/src/state/index.ts";
import { ObjectsInMemory } from "./objects-in-memory.ts";
import { Process } from "./process.ts";
import { StateInMemory } from "./state-in-memory.ts";
import { at, Truth } from "./truth.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { datasetName, openWorker, type Worker, type WorkerOptions } from "./worker.ts";

/** A fault that somebody could build into the platform: the simulation must find it. */
export interface Variant extends Pick<WorkerOptions, "breakTables" | "breakArchiver"> {
  readonly disk?: (disk: FileSystem) => FileSystem;
  readonly objects?: (store: ObjectStore) => ObjectStore;
  readonly log?: (log: Log, now: () => number) => Log;
  readonly state?: (store: StateStore) => StateStore;
}

export interface SimulationOptions {
  readonly seed: number;
  /** For local copies; the caller's. */
  readonly directory: string;
  readonly variant?: Variant;
}

export interface Course {
  readonly lives: number;
  readonly acknowledged: number;
  readonly snapshots: number;
  /** The time that passed in the world. */
  readonly ms: number;
  readonly diskOperations: number;
}

const partitions = 2;
const livesMax = 4;
/** A wall clock leaps by milliseconds or by weeks, and anything between. */
const leapMsMax = 30 * 86_400_000;
/** What a world without faults needs to finish, with the longest lease and back-off in it. */
const recoveryMsMax = 600_000;
/** So much of what happened is told with what does not hold. */
const eventsTold = 20;

/**
 * One course of events, decided by the seed: lives of a machine that ends by a loss of power, a kill or in peace, with producers, up to two workers that share
 * the work by leases, and what goes wrong for them; then a life without faults, in which everything must come right.
 * Throws what does not hold.
 */
export async function simulate(options: SimulationOptions): Promise<Course> {
  const world = new World(options);
  const { clock } = world;
  try {
    const lives = 1 + Math.floor(world.random() * livesMax);
    for (let life = 0; life < lives; life++) await clock.run(world.live(), { limitMs: recoveryMsMax });
    const snapshots = await clock.run(world.recover(), { limitMs: 2 * recoveryMsMax });
    return { lives, acknowledged: world.truth.acknowledged, snapshots, ms: clock.ms, diskOperations: world.operations };
  } catch (cause) {
    throw new Error(`${messageOf(cause)}\n${world.story()}`, { cause });
  }
}

class World {
  readonly random: () => number;
  readonly clock: VirtualClock;
  readonly truth = new Truth({ partitions });
  operations = 0;
  readonly #options: SimulationOptions;
  readonly #objects: ObjectsInMemory;
  readonly #state: StateInMemory;
  #disk: SimulatedFileSystem;
  #count = 0;
  readonly #events: string[] = [];

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.random = createRandom(options.seed);
    this.clock = new VirtualClock({ random: this.random });
    this.#objects = new ObjectsInMemory({ directory: options.directory, now: () => this.clock.now() });
    this.#state = new StateInMemory({ now: () => this.clock.ms });
    this.#disk = new SimulatedFileSystem({ random: this.random });
  }

  /** What happened last, a line each: what somebody wants to know who looks for the reason. */
  story(): string {
    const { truth, clock } = this;
    const events = this.#events.slice(-eventsTold).map((event) => `  ${event}`);
    return `${(clock.ms / 1_000).toFixed(3)} s after the beginning, with ${truth.acknowledged} records acknowledged; what happened last:\n${events.join("\n")}`;
  }

  #note(event: string): void {
    this.#events.push(`${(this.clock.ms / 1_000).toFixed(3)} s: ${event}`);
  }

  /** One life of the machine, until its power goes, it is killed, or it ends in peace. */
  async live(): Promise<void> {
    const { random, clock } = this;
    const disk = this.#disk;
    if (random() < 0.3) this.#leap();
    if (random() < 0.7) disk.losePowerAt = 1 + Math.floor(random() ** 2 * 4_000);
    const refusals = random() < 0.6 ? 0 : 0.003;
    disk.refuse = () => (random() < refusals ? (random() < 0.3 ? "ENOSPC" : "EIO") : undefined);
    const processes: Process[] = [];
    const lifeMs = random() < 0.1 ? 90_000 : 1_000 + random() ** 2 * 12_000;
    this.#note(`a life of ${(lifeMs / 1_000).toFixed(1)} s at most${refusals === 0 ? "" : ", on a disk that refuses now and then"}`);
    const lost = disk.untilLost();
    const life = this.#run(disk, { processes, lifeMs }).catch((error: unknown) => {
      // A disk that refuses what opening needs: the next life opens it again.
      if (refusals === 0 || !["log.writeFailed", "log.readFailed"].includes(factsOf(error).code)) throw error;
    });
    const end = await Promise.race([life.then(() => "is over"), lost.then(() => "ends in the middle")]);
    for (const process of processes) process.kill();
    this.operations += disk.operations;
    const powerless = random() < 0.6;
    this.#note(`the life ${end}, ${powerless ? "without power" : "by a kill"}`);
    this.#disk = powerless ? disk.losePower() : disk.kill();
    // The producers of a machine that is gone give up.
    await clock.sleep(random() * 100);
  }

  /** Everything that was acknowledged is where it should be, once a machine without faults had the time for it. Gives the number of snapshots. */
  async recover(): Promise<number> {
    const { clock, truth } = this;
    this.#note("a life without faults");
    const log = await this.#openLog(this.#disk);
    await truth.checkLog(log);
    const worker = await this.#openWorker(log, { process: new Process({ clock, random: this.random, faults: 0, slowness: 0 }), owner: "a", isSplit: false });
    truth.topic = worker.dataset.topics.records;
    await Promise.all(Array.from({ length: partitions }, (_, partition) => this.#append(log, partition)));
    const flushed = worker.archiver.flush().then(() => worker.builder.flush());
    // A pause outlasts the worker that was asked for it, and a dead worker's may even come late.
    for (let ms = 0; (await Promise.race([flushed, clock.sleep(10_000).then(() => "waiting")])) === "waiting"; ms += 10_000) {
      assert.ok(ms < recoveryMsMax, `it never comes right: ${JSON.stringify(worker.tasks.status())}`);
      for (const { name } of worker.tasks.status()) await worker.tasks.resume(name);
    }
    checkTasks(worker);
    await worker.tasks[Symbol.asyncDispose]();
    await truth.checkLog(log);
    const objects = this.#openObjects();
    await truth.checkArchive(objects, log);
    truth.checkArchiveClaims();
    const state = this.#state.open();
    const tables = openIcebergTables({ objects, pointers: state.pointers, env: worker.process.env, logger: silentLogger });
    const seen = this.#options.variant?.breakTables?.(tables, state) ?? tables;
    await truth.checkTable(objects, seen, datasetName);
    await log[Symbol.asyncDispose]();
    this.operations += this.#disk.operations;
    return (await tables.load(datasetName))?.snapshots.length ?? 0;
  }

  async #run(disk: SimulatedFileSystem, { processes, lifeMs }: { readonly processes: Process[]; readonly lifeMs: number }): Promise<void> {
    const { random, clock, truth } = this;
    const log = await this.#openLog(disk);
    await truth.checkLog(log);
    const until = clock.ms + lifeMs;
    const faults = random() < 0.5 ? 0 : random() ** 2 * 0.1;
    const work: Promise<void>[] = [];
    const owners = random() < 0.6 ? ["a", "b"] : ["a"];
    const isSplit = random() < 0.5;
    this.#note(`workers ${owners.join(" and ")}${isSplit ? ", whom no lease keeps apart" : ""}, ${(faults * 100).toFixed(1)} % of calls fail`);
    for (const owner of owners) work.push(this.#employ(log, { owner, processes, until, faults, isSplit }));
    for (let producer = 0; producer < 3; producer++) work.push(this.#produce(log, until));
    if (random() < 0.5) work.push(this.#leapAbout(until));
    await Promise.all(work);
    if (random() < 0.5) await closed(log);
  }

  /** A worker, and another in its place whenever it dies; what happens to it comes at random times. */
  async #employ(log: Log, { owner, processes, until, faults, isSplit }: Employment): Promise<void> {
    const { random, clock } = this;
    while (clock.ms < until) {
      const process = new Process({ clock, random, faults, slowness: random() < 0.5 ? 0 : 0.1 });
      processes.push(process);
      const opening = this.#openWorker(log, { process, owner, isSplit }).catch((error: unknown) => {
        // Without faults of stores only the disk can be why.
        expect(error, ["objects.failed", "state.failed", "log.writeFailed", "log.readFailed", "log.full"]);
        return undefined;
      });
      const worker = await Promise.race([opening, clock.sleep(until - clock.ms)]);
      if (worker === undefined) {
        process.kill();
        await clock.sleep(100);
        continue;
      }
      this.truth.topic = worker.dataset.topics.records;
      this.#note(`worker ${owner} is there`);
      const endMs = random() < 0.5 ? until : clock.ms + random() * (until - clock.ms);
      await this.#disturb(worker, { owner, endMs });
      checkTasks(worker);
      if (random() < 0.3) await Promise.race([Promise.resolve(worker.tasks[Symbol.asyncDispose]()), clock.sleep(20_000)]);
      this.#note(`worker ${owner} is gone`);
      process.kill();
    }
  }

  async #disturb({ process, tasks, archiver, builder }: Worker, { owner, endMs }: { readonly owner: string; readonly endMs: number }): Promise<void> {
    const { random, clock } = this;
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    const { signal } = new AbortController();
    while (clock.ms < endMs) {
      await clock.sleep(Math.min(endMs - clock.ms, 200 + random() * 10_000));
      const name = pick(tasks.status()).name;
      const disturbances: readonly (readonly [string, () => Promise<unknown>])[] = [
        ["stands still", async () => process.freeze(random() * 60_000)],
        ["reaches no store for a while", async () => (process.outageUntilMs = clock.ms + random() * 5_000)],
        [
          `pauses ${name}`,
          async () => {
            await tasks.pause(name, { by: "simulation" });
            await clock.sleep(random() * 2_000);
            await tasks.resume(name);
          },
        ],
        ["flushes the archive", () => archiver.flush({ signal })],
        ["flushes the table", () => builder.flush({ signal })],
        ["begins the archive anew", () => tasks.reset(`archive.${datasetName}`, { kind: "chain-end" })],
      ];
      const [what, disturb] = pick(disturbances);
      this.#note(`worker ${owner} ${what}`);
      // Nobody waits for it: it may never come.
      disturb().catch((error: unknown) => expect(error, refusals));
    }
  }

  /** The wall clock of the machine is set wrong, and right again, as people and NTP do. */
  async #leapAbout(until: number): Promise<void> {
    const { random, clock } = this;
    while (clock.ms < until) {
      await clock.sleep(random() ** 2 * 8_000);
      const right = clock.wallMs;
      this.#leap();
      if (random() < 0.5) continue;
      await clock.sleep(random() ** 2 * 8_000);
      clock.wallMs = right;
      this.#note("the wall clock is set right");
    }
  }

  #leap(): void {
    const { random, clock } = this;
    const ms = Math.floor((random() < 0.5 ? -1 : 1) * leapMsMax ** random());
    clock.wallMs += ms;
    this.#note(`the wall clock leaps by ${(ms / 1_000).toFixed(3)} s`);
  }

  async #produce(log: Log, until: number): Promise<void> {
    const { random, clock } = this;
    while (clock.ms < until) {
      await clock.sleep(random() ** 3 * 3_000);
      await this.#append(log, Math.floor(random() * partitions)).catch((error: unknown) => expect(error, ["log.writeFailed", "log.full", "resource.closed"]));
    }
  }

  async #append(log: Log, partition: number): Promise<void> {
    const { truth, random } = this;
    if (truth.topic === undefined) return;
    const values = Array.from({ length: 1 + Math.floor(random() * 4) }, () => `${this.#count++} ${"v".repeat(Math.floor(random() ** 4 * 800))}`);
    truth.send(values);
    const batch = new RecordBatchBuilder({ capacity: 256 });
    for (const value of values) batch.add({ key: null, value: Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from(value)]), headers: [] });
    truth.acknowledge(partition, await log.append(at(truth.topic, partition), batch.finish()), values);
  }

  #openLog(disk: SimulatedFileSystem): Promise<Log> {
    const { clock, random } = this;
    const { env } = new Process({ clock, random, faults: 0, slowness: 0 });
    const fileSystem = this.#options.variant?.disk?.(disk) ?? disk;
    return openEmbeddedLog({ directory: "/data/log", env, logger: silentLogger, segmentBytesMax: 4_000, fileSystem });
  }

  #openObjects(): ObjectStore {
    const whole = this.#objects.open();
    return this.#options.variant?.objects?.(whole) ?? whole;
  }

  #openWorker(log: Log, { process, owner, isSplit }: Pick<Employment, "owner" | "isSplit"> & { readonly process: Process }): Promise<Worker> {
    const { random, truth } = this;
    const { directory, variant = {} } = this.#options;
    // Where leases keep nobody apart, as if a clock were wrong, conditional effects alone must.
    const own = isSplit ? new StateInMemory({ now: () => this.clock.ms }).open().leases : undefined;
    const whole = { ...this.#state.open(), ...(own === undefined ? {} : { leases: own }) };
    const state = variant.state?.(whole) ?? whole;
    const everyMsMost = isSplit ? 600 : 8_000;
    const pace = { archiveEveryMs: 200 + random() ** 2 * everyMsMost, buildEveryMs: 200 + random() ** 2 * everyMsMost };
    const seen = variant.log?.(log, () => this.clock.now()) ?? log;
    return openWorker({ ...variant, process, owner, log: seen, objects: this.#openObjects(), state, pace, truth, partitions, directory });
  }
}

/** How a task may refuse what it is asked for, or fail at it. */
const refusals = ["state.failed", "resource.closed", "task.elsewhere", "task.resetRefused", "log.writeFailed", "objects.failed"];

interface Employment {
  readonly owner: string;
  readonly processes: Process[];
  readonly until: number;
  readonly faults: number;
  readonly isSplit: boolean;
}

/** No task ends by itself: what went wrong for it is tried again. */
function checkTasks({ tasks }: Worker): void {
  for (const { name, state, lastError } of tasks.status())
    assert.ok(state !== "stopped" && state !== "finished", `the task ${name} is ${state}: ${lastError?.code}: ${lastError?.message}`);
}

function expect(error: unknown, codes: readonly string[]): void {
  if (!codes.includes(factsOf(error).code)) throw error;
}

async function closed(log: Log): Promise<void> {
  try {
    await log[Symbol.asyncDispose]();
  } catch (error) {
    expect(error, ["log.writeFailed"]);
  }
}
