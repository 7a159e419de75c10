// Single records over HTTP while a table is built beside them, against the same with none being built.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { toComparison, type BenchOptions, type Comparison } from "./harness.ts";
import { createBodies, eventSchema } from "./ingest-http/events.ts";

const cli = fileURLToPath(new URL("../packages/mainstem/src/cli/main.ts", import.meta.url));
/** Tables are built when this bench says so: at a start, and by rebuilds. */
const env = { MAINSTEM_TABLES_EVERY: "1h", MAINSTEM_ARCHIVE_EVERY: "1s" };
const contract = { formatVersion: 1, name: "bench.events", schema: eventSchema, key: ["id"], order: ["at"], merge: { kind: "latest" } };
const dataset = `/v1/datasets/${contract.name}`;
const recordsEach = 1_000;
/** What one phase without builds takes at least: as many requests as a phase with one has. */
const requestsMin = 500;

export async function run({ quick, note }: BenchOptions): Promise<readonly Comparison[]> {
  const bodies = createBodies({ bodies: quick ? 100 : 500, records: recordsEach });
  const folder = await mkdtemp(join(tmpdir(), "mainstem-bench-"));
  const agent = new Agent({ keepAlive: true });
  try {
    await withPlatform(folder, async (url) => {
      await call(agent, { method: "PUT", url: `${url}/v1/definitions/dataset/${contract.name}`, body: JSON.stringify(contract) });
      for (const body of bodies) await call(agent, { method: "POST", url: `${url}${dataset}/records`, body, type: "application/x-ndjson" });
      await until(async () => (await tasksOf(agent, url)).some(({ name, progress }) => name.startsWith("archive.") && progress?.position === progress?.end));
    });
    return await withPlatform(folder, async (url) => {
      // What the start found to build.
      await until(async () => (((await get(agent, `${url}${dataset}`)) as { readonly rows: number | null }).rows ?? 0) > 0);
      const [beside, alone]: [number[], number[]] = [[], []];
      const single = singles(agent, `${url}${dataset}/records`, bodies[0]!.toString().split("\n"));
      await measure(single, { into: [], until: (count) => count >= requestsMin });
      for (let turn = 0; turn < (quick ? 2 : 5); turn++) {
        await call(agent, { method: "POST", url: `${url}${dataset}/rebuild`, body: "" });
        let builds = true;
        const ready = until(async () => ((await get(agent, `${url}${dataset}/rebuild`)) as { readonly state: string }).state === "ready");
        void ready.finally(() => (builds = false));
        const started = performance.now();
        const before = beside.length;
        await measure(single, { into: beside, until: () => !builds });
        await ready;
        note(`${beside.length - before} requests beside a build of ${((performance.now() - started) / 1_000).toFixed(1)} s: ${text(beside.slice(before))}`);
        await call(agent, { method: "DELETE", url: `${url}${dataset}/rebuild` });
        const aloneBefore = alone.length;
        await measure(single, { into: alone, until: (count) => count >= requestsMin });
        note(`${alone.length - aloneBefore} requests alone: ${text(alone.slice(aloneBefore))}`);
      }
      return [50, 99].map((percent) =>
        toComparison({
          bench: "ingest-latency",
          case: `p${percent} of single records beside a table build, against alone`,
          ours: percentile(beside, percent),
          peer: percentile(alone, percent),
          unit: "ms",
          better: "lower",
        }),
      );
    });
  } finally {
    agent.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends one record after the other, each when the one before is durable. */
function singles(agent: Agent, url: string, lines: readonly string[]): () => Promise<void> {
  let next = 0;
  return () => call(agent, { method: "POST", url, body: lines[next++ % recordsEach]! }).then(() => undefined);
}

async function measure(
  send: () => Promise<void>,
  { into, until: enough }: { readonly into: number[]; readonly until: (count: number) => boolean },
): Promise<void> {
  for (let count = 0; !enough(count); count++) {
    const began = performance.now();
    await send();
    into.push(performance.now() - began);
  }
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

function text(values: readonly number[]): string {
  return [50, 99, 100].map((percent) => `p${percent} ${percentile(values, percent).toFixed(1)} ms`).join(", ");
}

interface Call {
  readonly method: string;
  readonly url: string;
  readonly body?: Buffer | string;
  readonly type?: string;
}

function call(agent: Agent, { method, url, body, type = "application/json" }: Call): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined || body.length === 0 ? {} : { "content-type": type, "content-length": Buffer.byteLength(body) };
    const sending = request(url, { agent, method, headers }, (response) => {
      let answer = "";
      response
        .setEncoding("utf8")
        .on("data", (part: string) => (answer += part))
        .on("end", () => (response.statusCode! < 300 ? resolve(answer) : reject(new Error(`${method} ${url}: ${response.statusCode} ${answer}`))))
        .on("error", reject);
    });
    sending.on("error", reject).end(body);
  });
}

async function get(agent: Agent, url: string): Promise<unknown> {
  return JSON.parse(await call(agent, { method: "GET", url }));
}

async function tasksOf(
  agent: Agent,
  url: string,
): Promise<readonly { readonly name: string; readonly progress: { readonly position: number; readonly end: number } | null }[]> {
  return ((await get(agent, `${url}/v1/tasks`)) as { readonly tasks: Awaited<ReturnType<typeof tasksOf>> }).tasks;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(200);
}

async function withPlatform<T>(folder: string, work: (url: string) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [cli, "dev", "--json", "--port", "0"], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    return await work(await readyUrl(child));
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}

async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout! })) {
    const { kind, url } = JSON.parse(line) as { readonly kind: string; readonly url: string };
    if (kind === "ready") return url;
  }
  throw new Error("the program ended before it was ready");
}
