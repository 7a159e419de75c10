// The typed producer beside what one would write without it: a loop that fetches, with batches of the same size.
import { randomUUID } from "node:crypto";
import { parseContract } from "../packages/contract/src/index.ts";
import { createProducer } from "../packages/client/src/index.ts";
import { compare, type Bench } from "./harness.ts";
import { startServer } from "./ingest-http/child.ts";
import { createBodies, eventSchema } from "./ingest-http/events.ts";

const recordsEach = 1_000;
const distinct = 20;
const contract = parseContract({ formatVersion: 1, name: "bench.events", schema: eventSchema, key: ["id"], order: ["at"], merge: { kind: "latest" } });

export const run: Bench = async ({ quick, note }) => {
  const batches = quick ? 60 : 200;
  const records = createBodies({ bodies: distinct, records: recordsEach }).map((body) =>
    body
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object),
  );
  note(`${batches * recordsEach} records a run, one after the other, in batches of ${recordsEach}; CPU time is that of the application, not of the server`);
  await using server = await startServer(new URL("ingest-http/ours.ts", import.meta.url));
  const url = `http://127.0.0.1:${server.port}`;
  const work = { url, records, batches };
  return await compare({
    bench: "client",
    case: `${recordsEach} records a batch`,
    unit: "records",
    ours: { name: "producer", run: () => produce(work) },
    peers: [
      { name: "a loop of fetch", run: () => loop(work, {}) },
      // What a repeat needs to be safe, as the producer's requests are: the door takes such a body whole, and remembers it.
      { name: "one with Idempotency-Key", run: () => loop(work, { keyed: true }) },
    ],
    reps: quick ? 3 : 9,
  });
};

interface Job {
  readonly url: string;
  readonly records: readonly (readonly object[])[];
  readonly batches: number;
}

async function produce({ url, records, batches }: Job): Promise<{ readonly units: number }> {
  await using producer = await createProducer({ url, dataset: contract, batchRecordsMax: recordsEach });
  for (let batch = 0; batch < batches; batch++) for (const record of records[batch % distinct] ?? []) await producer.send(record);
  await producer.flush();
  return { units: batches * recordsEach };
}

async function loop({ url, records, batches }: Job, { keyed = false }: { readonly keyed?: boolean }): Promise<{ readonly units: number }> {
  for (let batch = 0; batch < batches; batch++) {
    const lines = (records[batch % distinct] ?? []).map((record) => JSON.stringify(record));
    const response = await fetch(`${url}/v1/datasets/bench.events/records`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson", ...(keyed ? { "idempotency-key": randomUUID() } : {}) },
      body: lines.join("\n"),
    });
    const { accepted } = (await response.json()) as { readonly accepted: number };
    if (accepted !== recordsEach) throw new Error(`${accepted} of ${recordsEach} records were accepted`);
  }
  return { units: batches * recordsEach };
}
