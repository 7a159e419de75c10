// The door: NDJSON over HTTP, validated and durable, against a plain Node server with JSON.parse, avsc and a group-committed file.
import { Agent, request } from "node:http";
import { compare, interleave, median, toComparison, type Bench, type Comparison, type Contender, type RunOptions } from "./harness.ts";
import { startServer, type ServerProcess } from "./ingest-http/child.ts";
import { createBodies } from "./ingest-http/events.ts";
import { encodeAlone, openAppendAlone } from "./ingest-http/parts.ts";
import { touchMemory } from "./memory.ts";

const recordsEach = 1_000;
const connections = 8;
/** As `ours.ts` has them. */
const partitions = 4;
/** What runs once a request is compiled for good after some ten thousand of them. */
const warmUps = 54;
/** Several times what a turn writes. */
const touchedBytes = 200_000_000;

export const run: Bench = async ({ quick, note }) => {
  // Short runs, and many of them: the longer one takes, the more of the memory that was there before it is gone again (decision 049), and the less
  // the machine is the same for the runs of a turn (decision 054).
  const requests = quick ? 50 : 100;
  const bodies = createBodies({ bodies: 20, records: recordsEach });
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  note(`${requests} requests of ${recordsEach} records (${Math.round(bytes / bodies.length / recordsEach)} bytes each) a run over ${connections} connections`);
  const load = { path: "/v1/datasets/bench.events/records", bodies, requests };
  const options = { reps: quick ? 3 : 54, warmUps: quick ? 0 : warmUps, beforeTurn: () => touchMemory(touchedBytes) };
  // Twice as many turns: the parts are several short runs each, whose spread adds up.
  return [...(await againstPeer(load, options)), await besideParts(load, { ...options, reps: options.reps * 2, note })];
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
 * what the disk still has to write of earlier records is work for both. Each turn is compared by itself, the door's run with the sum of the parts' (decision 054).
 */
async function besideParts(load: Load, { note, ...options }: RunOptions & { readonly note: (line: string) => void }): Promise<Comparison> {
  await using door = await startServer(new URL("ingest-http/ours.ts", import.meta.url));
  await using floor = await startServer(new URL("ingest-http/floor.ts", import.meta.url));
  const parts = { ...load, recordsEach, connections, partitions };
  await using append = await openAppendAlone(parts);
  const contenders = [contender("ours", door, load), contender("HTTP alone", floor, { ...load, path: "/" }), encodeAlone(parts), append];
  const [own, ...alone] = await interleave(contenders, options);
  for (const { name, perCpuSecond } of alone) note(`${name}: ${Math.round(perCpuSecond / 1_000)} k records/CPU s`);
  const { perCpuSecond: ours, cpuSecondsByTurn } = own!;
  const ratios = cpuSecondsByTurn.map((cpuSeconds, turn) => alone.reduce((sum, part) => sum + part.cpuSecondsByTurn[turn]!, 0) / cpuSeconds);
  const byMedians = ours * alone.reduce((sum, { perCpuSecond }) => sum + 1 / perCpuSecond, 0);
  note(`by the medians of each instead of turn by turn: ${byMedians.toFixed(2)}x`);
  const figures = { ours, peer: ours / median(ratios), unit: "records/CPU s", better: "higher" } as const;
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
