// The door: NDJSON over HTTP, validated and durable, against a plain Node server with JSON.parse, avsc and a group-committed file.
import { Agent, request } from "node:http";
import { compare, interleave, toComparison, type Bench, type Comparison, type Contender, type RunOptions } from "./harness.ts";
import { startServer, type ServerProcess } from "./ingest-http/child.ts";
import { createBodies } from "./ingest-http/events.ts";
import { encodeAlone, openAppendAlone } from "./ingest-http/parts.ts";
import { touchMemory } from "./memory.ts";

const recordsEach = 1_000;
const connections = 8;
/** As `ours.ts` has them. */
const partitions = 4;
/** What runs once a request is compiled for good after some ten thousand of them. */
const warmUps = 27;
/** Several times what a run writes. */
const touchedBytes = 200_000_000;

export const run: Bench = async ({ quick, note }) => {
  // Short runs, and many of them: the longer one takes, the more of the memory that was there before it is gone again (decision 049).
  const requests = quick ? 100 : 200;
  const bodies = createBodies({ bodies: 20, records: recordsEach });
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  note(`${requests} requests of ${recordsEach} records (${Math.round(bytes / bodies.length / recordsEach)} bytes each) a run over ${connections} connections`);
  const load = { path: "/v1/datasets/bench.events/records", bodies, requests };
  const options = quick ? { reps: 3 } : { reps: 27, warmUps };
  return [...(await againstPeer(load, options)), await besideParts(load, { ...options, note })];
};

async function againstPeer(load: Load, options: RunOptions): Promise<readonly Comparison[]> {
  await using ours = await startServer(new URL("ingest-http/ours.ts", import.meta.url));
  await using peer = await startServer(new URL("ingest-http/peer.ts", import.meta.url));
  const peers = [contender("JSON.parse, avsc, append", peer, { ...load, path: "/" })];
  return await compare({
    bench: "ingest-http",
    case: `NDJSON of ${recordsEach} records`,
    unit: "records",
    ours: contender("ours", ours, load),
    peers,
    ...options,
  });
}

/**
 * The door against what its parts cost when each runs alone: 1 would be that putting them together costs nothing. Its log begins empty as that of the part does:
 * what the disk still has to write of earlier records is work for both.
 */
async function besideParts(load: Load, { note, ...options }: RunOptions & { readonly note: (line: string) => void }): Promise<Comparison> {
  await using ours = await startServer(new URL("ingest-http/ours.ts", import.meta.url));
  await using floor = await startServer(new URL("ingest-http/floor.ts", import.meta.url));
  const parts = { ...load, recordsEach, connections, partitions };
  await using append = await openAppendAlone(parts);
  const contenders = [contender("ours", ours, load), contender("HTTP alone", floor, { ...load, path: "/" }), encodeAlone(parts), append].map((each) => ({
    ...each,
    before: () => touchMemory(touchedBytes),
  }));
  const [own, ...alone] = await interleave(contenders, options);
  for (const { name, perCpuSecond } of alone) note(`${name}: ${Math.round(perCpuSecond / 1_000)} k records/CPU s`);
  const together = 1 / alone.reduce((sum, { perCpuSecond }) => sum + 1 / perCpuSecond, 0);
  const figures = { ours: own?.perCpuSecond ?? Number.NaN, peer: together, unit: "records/CPU s", better: "higher" } as const;
  return toComparison({ bench: "ingest-http", case: `NDJSON of ${recordsEach} records, against its parts alone`, ...figures });
}

interface Load {
  readonly path: string;
  readonly bodies: readonly Buffer[];
  readonly requests: number;
}

function contender(name: string, server: ServerProcess, load: Load): Contender {
  return {
    name,
    before: () => touchMemory(touchedBytes),
    wake: () => send(server, load),
    async run() {
      const cpu = await server.cpuSeconds();
      const started = performance.now();
      await send(server, load);
      const wallSeconds = (performance.now() - started) / 1_000;
      return { units: load.requests * recordsEach, cpuSeconds: (await server.cpuSeconds()) - cpu, wallSeconds };
    },
  };
}

async function send({ port }: ServerProcess, { path, bodies, requests }: Load): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < requests; index = next++) {
      const answer = JSON.parse(await post({ agent, port, path, body: bodies[index % bodies.length] as Buffer })) as { readonly accepted: number };
      if (answer.accepted !== recordsEach) throw new Error(`${answer.accepted} of ${recordsEach} records were accepted`);
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: connections }, worker));
  agent.destroy();
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

function post({ agent, port, path, body }: { readonly agent: Agent; readonly port: number; readonly path: string; readonly body: Buffer }): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-ndjson", "content-length": body.length };
    const sending = request({ agent, port, host: "127.0.0.1", method: "POST", path, headers }, (response) => {
      let text = "";
      response
        .setEncoding("utf8")
        .on("data", (part: string) => (text += part))
        .on("end", () => resolve(text))
        .on("error", reject);
    });
    sending.on("error", reject).end(body);
  });
}
