// From the start of the process to the answer that the first record is durable, and the memory before the first build.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { median, toComparison, type BenchOptions, type Comparison } from "./harness.ts";

const cli = fileURLToPath(new URL("../packages/mainstem/src/cli/main.ts", import.meta.url));
/** No build may begin while the memory is looked at. */
const noBuild = { MAINSTEM_TABLES_EVERY: "1h", MAINSTEM_ARCHIVE_EVERY: "1h" };

/** What any server costs: it answers when the body was read. */
const bareServer = `
  import { createServer } from "node:http";
  const server = createServer((request, response) => request.resume().on("end", () => response.end("{}")));
  server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ kind: "ready", url: "http://127.0.0.1:" + server.address().port })));`;

const contract = {
  formatVersion: 1,
  name: "bench.start",
  schema: { type: "record", name: "start", namespace: "bench", fields: ["id", "revision"].map((name) => ({ name, type: name === "id" ? "string" : "long" })) },
  key: ["id"],
  order: ["revision"],
  merge: { kind: "latest" },
  partition: [],
};

interface Start {
  readonly ms: number;
  readonly megabytes: number;
}

export async function run({ quick, note }: BenchOptions): Promise<readonly Comparison[]> {
  const ours: Start[] = [];
  const bare: Start[] = [];
  for (let turn = 0; turn < (quick ? 2 : 7); turn++) {
    ours.push(await withFolder(startOurs));
    bare.push(await startBare());
    note(
      `start ${turn + 1}: ours ${ours.at(-1)?.ms.toFixed(0)} ms, ${ours.at(-1)?.megabytes.toFixed(0)} MB; bare ${bare.at(-1)?.ms.toFixed(0)} ms, ${bare.at(-1)?.megabytes.toFixed(0)} MB`,
    );
  }
  const figures = (of: (start: Start) => number) => ({ ours: median(ours.map(of)), peer: median(bare.map(of)), better: "lower" as const });
  return [
    toComparison({ bench: "start", case: "start to first durable record, against a bare Node server", unit: "ms", ...figures(({ ms }) => ms) }),
    toComparison({ bench: "start", case: "memory before the first build, against a bare Node server", unit: "MB", ...figures(({ megabytes }) => megabytes) }),
  ];
}

async function startOurs(folder: string): Promise<Start> {
  return measure([cli, "dev", "--json", "--port", "0"], {
    cwd: folder,
    env: noBuild,
    firstRecord: async (url) => {
      await send("PUT", `${url}/v1/definitions/dataset/${contract.name}`, contract);
      await send("POST", `${url}/v1/datasets/${contract.name}/records`, { id: "first", revision: 1 });
    },
  });
}

function startBare(): Promise<Start> {
  return measure(["--input-type=module", "--eval", bareServer], {
    cwd: tmpdir(),
    env: {},
    firstRecord: (url) => send("POST", url, { id: "first", revision: 1 }),
  });
}

async function send(method: string, url: string, body: unknown): Promise<void> {
  const response = await fetch(url, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  await response.text();
}

interface Program {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly firstRecord: (url: string) => Promise<void>;
}

async function measure(args: readonly string[], { cwd, env, firstRecord }: Program): Promise<Start> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  try {
    await firstRecord(await readyUrl(child));
    return { ms: performance.now() - began, megabytes: await residentMegabytes(child.pid ?? 0) };
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}

async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("the program has no output");
  for await (const line of createInterface({ input: stdout })) {
    const { kind, url } = JSON.parse(line) as { readonly kind: string; readonly url: string };
    if (kind === "ready") return url;
  }
  throw new Error("the program ended before it was ready");
}

/** The kernel's own count. */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "mainstem-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
