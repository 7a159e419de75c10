// `mainstem status --watch` over a server that is killed and comes back.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cliEntry, startPlatform, temporaryFolder } from "./running-platform.ts";

const waitMsMax = 60_000;

test("status --watch waits for a server that goes away, says so once, and goes on when it is back", { timeout: 180_000 }, async () => {
  await using folder = await temporaryFolder();
  const cwd = folder.path;
  await using first = await startPlatform({ cwd });
  const child = spawn(process.execPath, [cliEntry, "status", "--watch"], { cwd, env: { ...process.env, MAINSTEM_SERVER: first.url } });
  const said = { output: "", errors: "" };
  child.stdout.on("data", (part: Buffer) => (said.output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (said.errors += part.toString()));
  const ended = once(child, "close");
  const until = async (condition: () => boolean): Promise<void> => {
    for (const deadline = Date.now() + waitMsMax; !condition(); await sleep(50)) {
      assert.equal(child.exitCode, null, said.errors);
      assert.ok(Date.now() < deadline, `${said.output}${said.errors}`);
    }
  };
  try {
    await until(() => said.output.includes("tables.expiry"));
    await first.kill("SIGKILL");
    await until(() => said.errors.includes("[cli.noServer]"));
    await using second = await startPlatform({ cwd, args: ["--port", new URL(first.url).port] });
    const contract = {
      formatVersion: 1,
      name: "shop.late",
      schema: { type: "record", name: "late", namespace: "shop", fields: [{ name: "id", type: "string" }] },
    };
    const response = await fetch(`${second.url}/v1/definitions/dataset/shop.late`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...contract, key: ["id"], order: "log" }),
    });
    assert.ok(response.ok, await response.text());
    await until(() => said.output.includes("archive.shop.late"));
  } finally {
    child.kill("SIGINT");
  }
  assert.deepEqual(await ended, [0, null]);
  assert.equal(said.errors.match(/^error: /gm)?.length, 1, said.errors);
});
