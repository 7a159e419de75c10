import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgress, drawProgress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { formatBytes } from "./text-table.ts";
import { widthOf } from "./text-width.ts";

/** A terminal that keeps what is written to it. */
function record({ progressWidth }: { readonly progressWidth: number | undefined }): {
  readonly terminal: Terminal;
  readonly drawn: string[];
  readonly said: string[];
} {
  const drawn: string[] = [];
  const said: string[] = [];
  const terminal: Terminal = {
    width: undefined,
    progressWidth,
    line: async () => undefined,
    screen: async () => undefined,
    say: (text) => void said.push(text),
    progress: (text) => void drawn.push(text),
    style: (_style, text) => text,
  };
  return { terminal, drawn, said };
}

test("a screen gets a bar with share, amounts, time left and rate, drawn ten times a second at most", () => {
  const { terminal, drawn, said } = record({ progressWidth: 120 });
  let now = 0;
  const progress = createProgress({ terminal, json: false }, { label: "shop.orders", format: formatBytes, monotonic: () => now });
  for (; now <= 2_000; now += 10) progress.update({ done: now * 1_000, total: 8_000_000, note: "7 refused" });
  assert.equal(drawn.length, 21);
  assert.equal(drawn.at(-1), "shop.orders  ██████░░░░░░░░░░░░░░░░░░  25%  2.0 MB of 8.0 MB  6 s left  7 refused  1.0 MB/s");
  assert.deepEqual(said, []);
});

test("a pipe gets a plain line every ten seconds, JSON nothing", () => {
  const pipe = record({ progressWidth: undefined });
  const silent = record({ progressWidth: 80 });
  let now = 0;
  const progress = [pipe, silent].map(({ terminal }, index) => createProgress({ terminal, json: index === 1 }, { label: "replay", monotonic: () => now }));
  for (; now <= 25_000; now += 500) for (const one of progress) one.update({ done: now, total: 50_000 });
  assert.deepEqual(pipe.said, ["replay  20%  10,000 of 50,000  40 s left  1,000/s", "replay  40%  20,000 of 50,000  30 s left  1,000/s"]);
  assert.deepEqual([pipe.drawn, silent.drawn, silent.said], [[], [], []]);
});

test("on a narrow screen the words give way, never the edge", () => {
  const shown = { label: "shop.orders", format: formatBytes, done: 5, total: 10, note: "12 accepted, 0 refused", perSecond: 1 };
  for (let width = 20; width < 120; width++) assert.ok(widthOf(drawProgress(shown, width)) <= width, `${width}: ${drawProgress(shown, width)}`);
  assert.equal(drawProgress({ ...shown, total: undefined }, 120), "shop.orders  5 B  12 accepted, 0 refused  1 B/s");
});

test("a total that was passed, or is nothing, breaks no bar", () => {
  const shown = { label: "t", format: String, note: "", perSecond: 0 };
  assert.equal(drawProgress({ ...shown, done: 12, total: 10 }, 80), `t  ${"█".repeat(24)}  100%  12 of 10`);
  assert.equal(drawProgress({ ...shown, done: 0, total: 0 }, 80), "t  0");
});
