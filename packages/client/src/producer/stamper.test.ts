import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hybridTimeMillis, parseContract } from "@mainstem/contract";
import { openSpool } from "../spool/spool.ts";
import { recordsOf } from "./batch.ts";
import { createProducer } from "./producer.ts";
import { openStamper, type Stamper } from "./stamper.ts";

const fields = [
  { name: "id", type: "string" },
  { name: "version", type: { type: "long", "mainstem.clock": "hlc" } },
];
const json = {
  formatVersion: 1,
  name: "home.switches",
  schema: { type: "record", name: "switches", namespace: "home", fields },
  key: ["id"],
  order: ["version"],
};
const switches = parseContract(json);
/** Nobody listens there. */
const url = "http://127.0.0.1:9";

const { signal } = new AbortController();
let root: string;
before(async () => void (root = await mkdtemp(join(tmpdir(), "mainstem-stamper-"))));
after(() => rm(root, { recursive: true }));

async function timesOf(stamper: Stamper, count: number): Promise<readonly bigint[]> {
  const times: bigint[] = [];
  while (times.length < count) {
    const record = stamper.stamp({ id: "x" }) as { readonly version: string } | undefined;
    if (record === undefined) await stamper.reserve();
    else times.push(BigInt(record.version));
  }
  return times;
}

async function open(directory: string): Promise<Stamper> {
  const stamper = await openStamper(switches, { directory });
  assert.ok(stamper !== undefined);
  return stamper;
}

test("times lie above all that a killed process gave, also when the host's clock has gone back", async () => {
  const directory = await mkdtemp(join(root, "killed-"));
  // Its host's clock is two seconds ahead of ours.
  const program = `import { parseContract } from "@mainstem/contract";
    import { openStamper } from ${JSON.stringify(new URL("stamper.ts", import.meta.url).href)};
    const now = Date.now;
    Date.now = () => now() + 2_000;
    const stamper = await openStamper(parseContract(${JSON.stringify(json)}), { directory: ${JSON.stringify(directory)} });
    for (;;) {
      const record = stamper.stamp({ id: "x" });
      if (record === undefined) await stamper.reserve();
      else if (!process.stdout.write(record.version + "\\n")) await new Promise((resolve) => process.stdout.once("drain", resolve));
    }`;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", program], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (part: Buffer) => {
    text += part.toString();
    child.kill("SIGKILL");
  });
  await once(child, "close");
  // The last line may be cut.
  const given = text.split("\n").slice(0, -1).map(BigInt);
  assert.ok(given.length > 0 && given.every((time, index) => index === 0 || time > (given[index - 1] ?? 0n)));
  await using stamper = await open(directory);
  const [next = 0n] = await timesOf(stamper, 1);
  assert.ok(next > (given.at(-1) ?? 0n), `${next} after ${given.at(-1)}`);
});

test("an orderly end gives back the times that were not used", async () => {
  const directory = await mkdtemp(join(root, "orderly-"));
  let last = 0n;
  for (let round = 0; round < 3; round++) {
    await using stamper = await open(directory);
    const times = await timesOf(stamper, 5);
    assert.ok(times.every((time) => time > last && (last = time) === time));
  }
  assert.ok(hybridTimeMillis(last) <= Date.now() + 1, "ahead of the host's clock");
});

test("records that nobody waited for keep their order behind the storing of times, and flush waits for them", async () => {
  const directory = await mkdtemp(join(root, "order-"));
  const producer = await createProducer({ url, dataset: switches, spool: { directory }, closeMs: 0 });
  const sent = Array.from({ length: 20 }, (_, index) => producer.send({ id: `s${index}` }));
  await producer.flush();
  assert.equal(producer.status().waitingBatches, 1);
  assert.equal(producer.status().heldRecords, 0);
  await Promise.all(sent);
  const late = producer.send({ id: "late" });
  await producer.close();
  await late;
  await using outbox = await openSpool({ directory, dataset: switches.name, onProblem: (error) => assert.fail(error) });
  const records: { readonly id: string; readonly version: string }[] = [];
  while (outbox.size().batches > 0) {
    records.push(...(recordsOf(await outbox.first({ signal })) as typeof records));
    await outbox.removeFirst();
  }
  assert.deepEqual(
    records.map(({ id }) => id),
    [...sent.map((_, index) => `s${index}`), "late"],
  );
  assert.ok(records.every(({ version }, index) => index === 0 || BigInt(version) > BigInt(records[index - 1]?.version ?? 0)));
});

test("a producer whose clock cannot be opened leaves its spool to the next one", async () => {
  const directory = await mkdtemp(join(root, "damaged-"));
  await writeFile(join(directory, "clock"), Buffer.alloc(48, 7));
  await assert.rejects(createProducer({ url, dataset: switches, spool: { directory } }), { code: "client.spoolCorrupt" });
  await rm(join(directory, "clock"));
  await (await createProducer({ url, dataset: switches, spool: { directory } })).close();
});
