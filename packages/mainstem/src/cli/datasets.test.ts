import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openApi } from "../server/testing/open-api.ts";

test("a server that does not speak of datasets that wait is listed all the same", async () => {
  await using api = await openApi();
  // What this server answers, as one of an earlier version would.
  const { waiting, ...earlier } = (await api.call("/v1/datasets")).body;
  assert.deepEqual(waiting, []);
  const older = createServer((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(earlier)));
  await new Promise<void>((resolve) => older.listen(0, "127.0.0.1", resolve));
  try {
    const address = `http://127.0.0.1:${(older.address() as AddressInfo).port}`;
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [main, "--server", address, "datasets"]);
    assert.match(stdout, /shop\.orders/);
  } finally {
    older.closeAllConnections();
    older.close();
  }
});
