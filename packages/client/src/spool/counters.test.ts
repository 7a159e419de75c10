import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openCounter } from "./counters.ts";

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), "mainstem-counter-"))));
after(() => rm(directory, { recursive: true }));

async function valueOf(path: string): Promise<bigint> {
  await using counter = await openCounter(path);
  return counter.value;
}

test("a number is kept, and grows over many writes and openings", async () => {
  const path = join(directory, "kept");
  assert.equal(await valueOf(path), 0n);
  for (let value = 1n; value < 8n; value++) {
    await using counter = await openCounter(path);
    await counter.write(value << 50n, { sync: value % 2n === 0n });
    assert.equal(counter.value, value << 50n);
    assert.equal(await valueOf(path), value << 50n);
  }
});

test("a first write that is torn at any byte leaves zero", async () => {
  const path = join(directory, "first");
  {
    await using counter = await openCounter(path);
    await counter.write(5n, { sync: true });
  }
  for (let length = 47; length >= 0; length--) {
    await truncate(path, length);
    // The last bytes are padding: without them the slot is whole.
    assert.equal(await valueOf(path), length >= 44 ? 5n : 0n, `${length} bytes`);
  }
});

test("any changed byte gives the number or the one before it; two damaged slots are named", async () => {
  const path = join(directory, "changed");
  {
    await using counter = await openCounter(path);
    await counter.write(7n, { sync: false });
    await counter.write(8n, { sync: true });
  }
  const whole = await readFile(path);
  for (let place = 0; place < whole.length; place++) {
    const bytes = Buffer.from(whole);
    bytes[place] = (bytes[place] ?? 0) ^ 0x10;
    await writeFile(path, bytes);
    assert.equal(await valueOf(path), place < 20 ? 7n : 8n, `byte ${place}`);
  }
  const bytes = Buffer.from(whole);
  for (const place of [0, 24]) bytes[place] = 0xff;
  await writeFile(path, bytes);
  await assert.rejects(openCounter(path), { code: "client.spoolCorrupt" });
});
