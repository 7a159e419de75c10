import assert from "node:assert/strict";
import { test } from "node:test";
import { completeWords, type Names } from "./complete-words.ts";
import { createProgram } from "./program.ts";

const names: Names = {
  datasets: async () => ["shop.orders", "shop.customers", "lab.films"].map((value) => ({ value, about: "" })),
  tasks: async () => [{ value: "archive.shop.orders", about: "ok" }],
};

async function complete(line: string): Promise<readonly string[]> {
  const { candidates, files } = await completeWords(
    createProgram(async () => undefined),
    line.split(" "),
    names,
  );
  return [...candidates.map(({ value }) => value), ...(files ? [":files"] : [])];
}

test("commands, and commands of commands", async () => {
  assert.deepEqual(await complete("sen"), ["send"]);
  assert.deepEqual(await complete("re"), ["replay", "rebuild", "resume", "reset"]);
  assert.deepEqual(await complete("inbox "), ["list", "show", "preview", "retry", "drop"]);
  const all = await complete("");
  assert.ok(all.includes("dev") && !all.includes("complete"), "what only shells call is not offered");
});

test("names of datasets and tasks where one is due, files where one is", async () => {
  assert.deepEqual(await complete("send shop."), ["shop.orders", "shop.customers"]);
  assert.deepEqual(await complete("--json describe l"), ["lab.films"]);
  assert.deepEqual(await complete("inbox preview --group abc shop.o"), ["shop.orders"]);
  assert.deepEqual(await complete("types shop.orders lab"), ["lab.films"]);
  assert.deepEqual(await complete("pause "), ["archive.shop.orders"]);
  for (const line of ["send shop.orders ", "apply a.ts ", "dev --config ", "inbox retry shop.orders --transform-file ", "init "])
    assert.deepEqual(await complete(line), [":files"], line);
  for (const line of ["query ", "describe shop.orders ", "nope "]) assert.deepEqual(await complete(line), [], line);
});

test("options with those of every command, and the values that an option takes", async () => {
  assert.deepEqual(await complete("send --in"), ["--invalid"]);
  assert.deepEqual(await complete("send --invalid "), ["refuse", "inbox"]);
  assert.deepEqual(await complete("export shop.orders --format j"), ["json"]);
  assert.deepEqual(await complete("convert -f "), ["json", "yaml", "avsc", "odcs", "typescript"]);
  assert.deepEqual(await complete("send shop.orders --js"), ["--json"]);
  assert.deepEqual(await complete("--color a"), ["auto", "always"]);
  assert.deepEqual(await complete("completion z"), ["zsh"]);
  assert.deepEqual(await complete("send -- --js"), []);
});
