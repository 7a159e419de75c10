import assert from "node:assert/strict";
import { test } from "node:test";
import { cutLines, type LongLine } from "./line-batches.ts";

async function cut(chunks: readonly (string | Buffer)[], limits: { readonly batchBytes?: number; readonly lineBytesMax?: number } = {}) {
  const long: LongLine[] = [];
  const batches: { text: string; lines: number[] }[] = [];
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const all = { batchBytes: 1_000, lineBytesMax: 100, ...limits, onLongLine: (line: LongLine) => long.push(line) };
  for await (const { bytes, records, placeOf } of cutLines(source(), all))
    batches.push({ text: bytes.toString(), lines: Array.from({ length: records }, (_, index) => placeOf(index)) });
  return { batches, long };
}

test("gives whole lines, wherever the input was cut, and a last line without its end", async () => {
  const { batches } = await cut(['{"a":', "1}\n{", '"a":2}\n{"a":3}']);
  assert.deepEqual(batches, [{ text: '{"a":1}\n{"a":2}\n{"a":3}\n', lines: [1, 2, 3] }]);
});

test("leaves blank lines out, and counts them where it names the others", async () => {
  const { batches } = await cut(["\n\n1\n \t\r\n2\r\n\n"]);
  assert.deepEqual(batches, [{ text: "1\n2\r\n", lines: [3, 5] }]);
});

test("ends a batch at the first line that fills it", async () => {
  const { batches } = await cut(["11\n22\n33\n44\n55\n"], { batchBytes: 6 });
  assert.deepEqual(
    batches.map(({ text }) => text),
    ["11\n22\n", "33\n44\n", "55\n"],
  );
});

test("names a line that is too long by its number, holds none of it, and goes on", async () => {
  const { batches, long } = await cut(["1\n\n", "x".repeat(60), "x".repeat(60), "\n3\n"]);
  assert.deepEqual(long, [{ line: 3, bytes: 120 }]);
  assert.deepEqual(batches, [{ text: "1\n3\n", lines: [1, 4] }]);
});

test("gives nothing for nothing", async () => {
  assert.deepEqual(await cut([]), { batches: [], long: [] });
  assert.deepEqual(await cut(["\n", " \n"]), { batches: [], long: [] });
});

test("gives the same records for every way to cut the input", async () => {
  const text = Buffer.from('{"a":"ä"}\n\n{"b":"🌍"}\n[1]\n{"c":3}');
  for (let size = 1; size <= text.length; size++) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.subarray(index * size, (index + 1) * size));
    const { batches } = await cut(chunks);
    assert.deepEqual(batches, [{ text: '{"a":"ä"}\n{"b":"🌍"}\n[1]\n{"c":3}\n', lines: [1, 3, 4, 5] }], `in pieces of ${size} bytes`);
  }
});
