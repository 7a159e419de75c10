import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testObjectStoreOrder } from "../objects.contract.ts";
import { openDirectoryStore } from "./store.ts";

testObjectStoreOrder(
  "a directory",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "mainstem-objects-"));
    return { open: () => openDirectoryStore({ directory }), [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
  },
  { seconds: Number(process.env["MAINSTEM_TEST_SECONDS"] ?? 3) },
);
