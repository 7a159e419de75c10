// The front of node's test runner: `node tools/test.ts all|unit|tidy|services|soak [part of a path …] [--flags for node …]`.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Counts } from "./counts-reporter.ts";
import { listFiles, repository } from "./source-files.ts";
import { runs, selectTests, type Run } from "./test-kinds.ts";

/** How long the soak takes, besides what it checks afterwards, and among the services. */
const soakSeconds = { alone: 600, amongServices: 30 };
/** Files that take longer are named at the end, the slowest of them. */
const slowFileMs = 5_000;
const slowFilesMax = 5;
/** When the unit tests of a process have not ended by then, something holds it open. */
const unitMs = 900_000;

const [run, ...rest] = process.argv.slice(2);
if (!runs.includes(run as Run)) {
  console.error(`usage: node tools/test.ts ${runs.join("|")} [part of a path …] [--flags for node …]`);
  process.exit(2);
}
process.exitCode = await runTests(run as Run, {
  filters: rest.filter((argument) => !argument.startsWith("--")).map((filter) => filter.replace(/^\.\//, "")),
  flags: rest.filter((argument) => argument.startsWith("--")),
});

async function runTests(kind: Run, { filters, flags }: { readonly filters: readonly string[]; readonly flags: readonly string[] }): Promise<number> {
  const files = selectTests(listFiles(), { run: kind, filters });
  if (files.length === 0) {
    console.error(filters.length === 0 ? `There are no ${kind} tests.` : `No ${kind} test file has ${filters.join(" or ")} in its path.`);
    return 1;
  }
  const seconds = process.env["MAINSTEM_TEST_SECONDS"] ?? "3";
  const scratch = mkdtempSync(join(tmpdir(), "mainstem-test-"));
  try {
    const shares = kind === "unit" ? shareOut(files) : [files];
    const ends = await Promise.all(
      shares.map(async (share, index) => {
        const countsFile = join(scratch, `counts-${index}.json`);
        const code = await runNode(share, { kind, flags, seconds, countsFile });
        return { code, counts: readCounts(countsFile) };
      }),
    );
    if (ends.some(({ counts }) => counts === undefined)) {
      console.log("The test runner ended without its counts.\n0 passed, 1 failed");
      return 1;
    }
    const all = ends.map(({ counts }) => counts as Counts);
    const slow = all
      .flatMap(({ slowest }) => slowest)
      .filter(({ ms }) => ms > slowFileMs)
      .sort((a, b) => b.ms - a.ms)
      .map(({ file, ms }) => `${file} ${(ms / 1_000).toFixed(1)} s`);
    if (slow.length > 0) console.log(`slowest: ${slow.slice(0, slowFilesMax).join(", ")}`);
    // A suite or a hook can fail where no test does: node's exit code knows.
    const failed = ends.reduce((sum, { code, counts }) => sum + (code === 0 ? (counts?.failed ?? 0) : Math.max(1, counts?.failed ?? 0)), 0);
    console.log(`${all.reduce((sum, { passed }) => sum + passed, 0)} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Unit tests run many files in a process, one after the other, as to start one and to compile the same modules in it costs more than most files do. That a file
 * leaves nothing behind that another needs, or trips over, is tried by the run of all, where each has a process. One process more than there are cores: they
 * wait for a fifth of their time.
 */
function shareOut(files: readonly string[]): readonly (readonly string[])[] {
  const shares = Math.min(files.length, Math.max(2, availableParallelism()) + 1);
  return Array.from({ length: shares }, (_, share) => files.filter((_file, index) => index % shares === share));
}

interface NodeRun {
  readonly kind: Run;
  readonly flags: readonly string[];
  readonly seconds: string;
  readonly countsFile: string;
}

function runNode(files: readonly string[], { kind, flags, seconds, countsFile }: NodeRun): Promise<number> {
  const soak = process.env["MAINSTEM_SOAK_SECONDS"] ?? String(kind === "soak" ? soakSeconds.alone : soakSeconds.amongServices);
  // Only what hangs may reach it, on the slowest machine too. One file may hold some twenty tests that each take all of MAINSTEM_TEST_SECONDS. Of unit tests
  // it is the time of one, which may wait for something for two minutes (`runtime/testing/until.ts`).
  const fileMs = kind === "unit" ? 180_000 : (600 + (kind === "soak" ? Number(soak) : 20 * Number(seconds))) * 1_000;
  const reporters = ["spec", "stdout", "./tools/counts-reporter.ts", countsFile];
  const options = [
    ...(kind === "unit" ? ["--test-isolation=none"] : [`--test-concurrency=${Math.max(2, availableParallelism())}`, "--import=./tools/test-watchdog.ts"]),
    `--test-timeout=${fileMs}`,
    ...reporters.map((value, index) => `--test-reporter${index % 2 === 1 ? "-destination" : ""}=${value}`),
  ];
  const child = spawn(process.execPath, ["--test", ...options, ...flags, ...files], {
    cwd: repository,
    // Those of several processes would stand between one another.
    stdio: ["ignore", kind === "unit" ? "pipe" : "inherit", "inherit"],
    ...(kind === "unit" ? { timeout: unitMs, killSignal: "SIGKILL" } : {}),
    // A third of what tests cost is compiling the same modules in each process.
    env: {
      NODE_COMPILE_CACHE: join(repository, "node_modules/.cache/compiled"),
      ...process.env,
      MAINSTEM_TEST_SECONDS: seconds,
      MAINSTEM_TEST_FILE_MS: String(fileMs),
      MAINSTEM_SOAK_SECONDS: soak,
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const parts: Buffer[] = [];
  child.stdout?.on("data", (part: Buffer) => parts.push(part));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      process.stdout.write(Buffer.concat(parts));
      if (child.killed) console.error(`The unit tests of a process did not end within ${unitMs / 1_000} s: something that they opened is open.`);
      resolve(code ?? 1);
    });
  });
}

function readCounts(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Counts;
  } catch {
    return undefined;
  }
}
