import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** Builds with flags for node, which hold in the engine's thread too. Fewer than 500 records are decoded, more become columns. */
function build(count: number, flags: readonly string[]): { readonly warnings: readonly unknown[]; readonly rows: number } {
  const program = fileURLToPath(new URL("testing/slow-build.child.ts", import.meta.url));
  const child = spawnSync(process.execPath, [...flags, program, String(count)], { encoding: "utf8" });
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as ReturnType<typeof build>;
}

/** Lets generated code that gives a record give another one: what a bug of ours, or of the platform, could do. */
const wrongRecords = `const Real = globalThis.Function;
const wrong = (made) => typeof made !== "function" ? made : (...given) => {
  const found = made(...given);
  return typeof found === "object" && found !== null ? { ...found, id: "wrong" } : found;
};
globalThis.Function = new Proxy(Real, { construct: (of, texts) => { const make = new of(...texts); return (...values) => wrong(make(...values)); } });`;
const preload = (code: string): readonly string[] => ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
const sentence = "records are loaded on a way that is several times slower";

test("where generated code fails its self-check, the rows are right and the log says so, once", () => {
  const reason = "the generated code that decodes records failed its self-check";
  assert.deepEqual(build(200, preload(wrongRecords)), { warnings: [{ sentence, dataset: "shop.orders", reason }], rows: 200 });
});

test("where columns cannot be written as memory, the rows are right and the log says why", () => {
  const reasons = [
    "columns cannot be written as memory: code that fills columns may not be generated here",
    "code that decodes records may not be generated here",
  ];
  const warnings = reasons.map((reason) => ({ sentence, dataset: "shop.orders", reason }));
  assert.deepEqual(build(600, ["--disallow-code-generation-from-strings"]), { warnings, rows: 600 });
});

test("where all is well, nothing is logged", () => {
  assert.deepEqual(build(600, []), { warnings: [], rows: 600 });
});
