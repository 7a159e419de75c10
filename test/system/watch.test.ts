// `mainstem status --watch` over a server that is killed and comes back.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { startProxy } from "./client/proxy.ts";
import { cliEntry, startPlatform, temporaryFolder } from "./running-platform.ts";

test("status --watch waits for a server that goes away, says so once, and goes on when it is back", async () => {
  await using folder = await temporaryFolder();
  const cwd = folder.path;
  // In front of both: the port that the first one leaves free may be taken before the second one has it.
  await using proxy = await startProxy();
  await using first = await startPlatform({ cwd });
  proxy.target = first.url;
  const child = spawn(process.execPath, [cliEntry, "status", "--watch"], { cwd, env: { ...process.env, MAINSTEM_SERVER: proxy.url } });
  const said = { output: "", errors: "" };
  child.stdout.on("data", (part: Buffer) => (said.output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (said.errors += part.toString()));
  const ended = once(child, "close");
  const untilSaid = (text: string, where: "output" | "errors" = "output"): Promise<boolean> => {
    const look = (): boolean => {
      assert.equal(child.exitCode, null, said.errors);
      return said[where].includes(text);
    };
    return until(() => `it says ${text}:\n${said.output}${said.errors}`, look);
  };
  try {
    await untilSaid("tables.expiry");
    proxy.target = undefined;
    await first.kill("SIGKILL");
    await untilSaid("[cli.connection]", "errors");
    await using second = await startPlatform({ cwd });
    proxy.target = second.url;
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
    await untilSaid("archive.shop.late");
  } finally {
    child.kill("SIGINT");
  }
  assert.deepEqual(await ended, [0, null]);
  assert.equal(said.errors.match(/^error: /gm)?.length, 1, said.errors);
});
