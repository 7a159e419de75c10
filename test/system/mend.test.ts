// Records of the inbox that a module of the user's mends, through the command line.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ordersContract, runCommand, type Ended } from "./command-line.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

describe("records in the inbox are mended by a module of the user's", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let platform: RunningPlatform;
  before(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, "orders.json"), JSON.stringify(ordersContract()));
    platform = await startPlatform({ cwd: folder.path });
    assert.equal((await run(["apply", "orders.json"])).code, 0);
  });
  after(async () => {
    await platform?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const run = (args: readonly string[], input = ""): Promise<Ended> => runCommand(args, { cwd: folder.path, env: { MAINSTEM_SERVER: platform.url }, input });
  const jsonOf = async (args: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
    const { output, errors } = await run([...args, "--json"]);
    assert.notEqual(output, "", errors);
    return output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  const quarantine = async (...lines: readonly string[]): Promise<void> => {
    assert.equal((await run(["inbox", "drop", "shop.orders", "--all", "--reason", "the test before"])).code, 0);
    assert.equal((await run(["send", "shop.orders", "--invalid", "inbox"], lines.join("\n"))).code, 0);
  };
  const keys = async (prefix: string): Promise<readonly string[]> => {
    const { output } = await run(["tail", "shop.orders", "--json"]);
    const records = output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as { readonly key: string }]));
    const found = records.map(({ key }) => key).filter((key) => key.startsWith(prefix));
    return found.sort((a, b) => a.localeCompare(b));
  };
  const retry = ["inbox", "retry", "shop.orders", "--all", "--transform-file"];
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text);

  test("each entry by itself: what is thrown, left or no record stays", async () => {
    await quarantine(
      '{"id":"m1","rev":1}',
      '{"id":"m2","rev":9007199254740993}',
      '{"id":"m3"}',
      '{"id":"m4","rev":"later"}',
      "not json",
      '{"id":"m5","rev":-1}',
    );
    const front = new URL("../../packages/mainstem/src/index.ts", import.meta.url).href;
    await write(
      "mend.ts",
      `import type { InboxTransform } from ${JSON.stringify(front)};
interface Sent { readonly id: string; readonly rev?: number | bigint | string }
const mend: InboxTransform<Sent> = async ({ id, rev }, entry) => {
  if (rev === undefined) return undefined;
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (typeof rev === "string") throw new Error("nobody knows what " + rev + " is, says " + entry.code);
  return { id, revision: rev === -1 ? Number.NaN : rev };
};
export default mend;
`,
    );
    const preview = await run(["inbox", "preview", "shop.orders", "--all", "--transform-file", "mend.ts"]);
    assert.equal(preview.code, 1, preview.errors);
    const reasons = [
      "4 stay in the inbox:",
      "  1 inbox.left: the transform gave undefined",
      "  1 inbox.transformFailed: nobody knows what later is, says record.invalid (mend.ts:6:38)",
      "  1 inbox.unreadable: Unexpected token 'o', \"not json\" is not valid JSON",
      "  1 inbox.transformFailed: revision is NaN, which JSON cannot hold.",
      "",
    ].join("\n");
    const samples = '  {"id":"m1","revision":1}\n  {"id":"m2","revision":"9007199254740993"}\n';
    const sorted = (text: string): readonly string[] => text.split("\n").sort((a, b) => a.localeCompare(b));
    assert.deepEqual(sorted(preview.output), sorted(`2 of 6 entries would be accepted.\n${samples}${reasons}`));
    assert.deepEqual(await keys("m"), [], "nothing is sent");
    const [outcome] = await jsonOf([...retry, "mend.ts"]);
    assert.deepEqual([outcome?.["selected"], outcome?.["accepted"], outcome?.["refused"]], [6, 2, 4]);
    assert.deepEqual(await keys("m"), ["m1", "m2"]);
    const values = (await jsonOf(["tail", "shop.orders"])).map(({ value }) => value as Readonly<Record<string, unknown>>);
    assert.equal(values.find(({ id }) => id === "m2")?.["revision"], "9007199254740993", "to the last digit");
    assert.equal(
      (await jsonOf(["inbox", "list", "shop.orders"])).reduce((sum, { count }) => sum + Number(count), 0),
      4,
    );
    const again = await run([...retry, "mend.ts"]);
    assert.match(again.output, /^0 of 4 entries accepted/);
    assert.deepEqual(await keys("m"), ["m1", "m2"]);
  });

  test("together with a contract that is not applied yet", async () => {
    await quarantine('{"id":"n1","revision":1,"Note":"x"}');
    await write("next.json", JSON.stringify(ordersContract({ name: "note", type: "string", default: "" })));
    await write("note.mjs", "export default ({ Note, ...record }) => ({ ...record, note: Note });\n");
    const preview = ["inbox", "preview", "shop.orders", "--all", "--transform-file", "note.mjs"];
    assert.match((await run(preview)).output, /^0 of 1 entry .*\n1 stays in the inbox:\n {2}1 record\.invalid at note/);
    const next = await run([...preview, "--contract", "next.json"]);
    assert.deepEqual([next.code, next.output.split("\n")[0]], [0, "1 of 1 entry would be accepted."]);
  });

  test("a module that is none is refused before anything is read", async () => {
    await write("broken.ts", "export default (record) => {\n  return { ...record,, };\n};\n");
    await write("named.ts", "export const mend = (record: object) => record;\n");
    await write("mend.txt", "export default (record) => record;\n");
    for (const [file, code, message] of [
      ["broken.ts", 1, /^error: broken\.ts could not be loaded \(broken\.ts:2:22\): .*\[cli\.file\]/],
      ["named.ts", 1, /^error: named\.ts does not export a function by default\. \[cli\.file\]\n {2}Write: export default/],
      ["mend.txt", 1, /^error: mend\.txt does not have the ending of a module\./],
      ["nowhere.ts", 1, /^error: nowhere\.ts cannot be read: ENOENT/],
    ] as const) {
      const { errors, ...ended } = await run([...retry, file]);
      assert.equal(ended.code, code);
      assert.match(errors, message);
    }
    const both = await run([...retry, "named.ts", "--transform", "record", "--json"]);
    assert.equal(both.code, 2);
    assert.match(both.errors, /"cli\.usage".*cannot be used with option/);
  });

  test("a group of thousands goes in batches, and Ctrl-C between them says what was done", async () => {
    const total = 5_000;
    await quarantine(
      ...Array.from({ length: total }, (_, index) => JSON.stringify({ id: `g${index}`, rev: index, note: index === 7 ? "n".repeat(600_000) : "" })),
    );
    // It stops itself while the third batch is made: what was sent before is done.
    await write(
      "slow.ts",
      `let count = 0;
export default ({ id, rev }: { id: string; rev: number }) => {
  if (++count === 4_500) process.kill(process.pid, "SIGINT");
  return count < 4_500 ? { id, revision: rev } : new Promise(() => setTimeout(() => undefined, 100));
};
`,
    );
    const stopped = await run([...retry, "slow.ts", "--json"]);
    assert.equal(stopped.code, 130, stopped.errors);
    const said = JSON.parse(stopped.output) as { readonly accepted: number; readonly complete: boolean; readonly unanswered: number };
    assert.deepEqual([said.accepted, said.complete, said.unanswered], [4_000, false, 0]);
    assert.match(stopped.errors, /"cli\.interrupted"/);
    assert.equal((await keys("g")).length, 4_000);
    const [{ group } = {}] = await jsonOf(["inbox", "list", "shop.orders"]);
    await write("whole.ts", "export default ({ id, rev, note }: any) => (note === '' ? { id, revision: rev } : { id, revision: rev, note });\n");
    const rest = await run(["inbox", "retry", "shop.orders", "--group", String(group), "--transform-file", "whole.ts"]);
    assert.deepEqual([rest.code, rest.output], [0, "1,000 of 1,000 entries accepted; what is accepted has left the inbox.\n"]);
    assert.equal(new Set(await keys("g")).size, total);
    assert.equal((await keys("g")).length, total, "none twice");
  });
});
