// Loaded into every test process: one that does not end after its tests is ended, and says what held it open. Node's own runner waits for ever.
import { isMainThread } from "node:worker_threads";

const limitMs = Number(process.env["MAINSTEM_TEST_FILE_MS"]);

// The runner itself loads this too; only the processes of test files have the context.
if (isMainThread && limitMs > 0 && process.env["NODE_TEST_CONTEXT"] !== undefined) {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter((name) => name !== "Timeout");
    console.error(`${process.argv[1]} did not end within ${limitMs / 1_000} s; open are ${open.join(", ") || "timers only"}.`);
    process.exit(1);
  }, limitMs).unref();
}
