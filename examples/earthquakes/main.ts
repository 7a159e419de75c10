// `npm start`: Mainstem in this process, a week of earthquakes and a collection of films through it, and a report. `--once` ends with it.
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { openPlatform, parseConfig } from "mainstem";
import { createApi } from "./api.ts";
import { createProgress } from "./progress.ts";
import { failedChecks, formatReport } from "./report.ts";
import { runExample } from "./run.ts";

const usualPort = 7070;
const dataDirs = fileURLToPath(new URL(".mainstem", import.meta.url));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const stayOpen = !process.argv.includes("--once");
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

try {
  process.exitCode = await main();
} catch (error) {
  // After Ctrl-C the platform has closed, and nothing failed.
  if (!stop.signal.aborted) throw error;
  say("\nStopped before the report.");
  process.exitCode = 130;
}

async function main(): Promise<number> {
  const began = performance.now();
  const port = await choosePort();
  // A folder for each port: a second run at the same time does not sweep away the first one's.
  const dataDir = join(dataDirs, String(port));
  await using stack = new AsyncDisposableStack();
  await rm(dataDir, { recursive: true, force: true });
  if (port !== usualPort) stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  say(`Mainstem keeps this run's data in ${relative(process.cwd(), dataDir)}, which begins empty each time.`);
  const platform = stack.use(await openPlatform(parseConfig({ dataDir, server: { port }, archive: { every: "1s" }, tables: { every: "1s" } })));
  say(`It answers at ${platform.url}\n`);

  const report = await runExample({ api: createApi(platform.url, stop), dataDir, progress: createProgress(process.stdout) });
  for (const line of formatReport(report)) say(line);
  const failed = failedChecks(report);
  say(`\n${failed.length === 0 ? "All checks hold" : `${failed.length} checks do not hold`}, after ${((performance.now() - began) / 1_000).toFixed(1)} s.`);
  for (const reason of failed) say(`  ${reason}`);
  if (stayOpen && !stop.signal.aborted) {
    sayWhatNext(platform.url);
    await once(stop.signal, "abort");
    say("\nClosing.");
  }
  return failed.length === 0 ? 0 : 1;
}

/** The usual port, or a free one when somebody else has it. */
async function choosePort(): Promise<number> {
  const free = (await tryPort(usualPort)) ?? (await tryPort(0));
  if (free === undefined) throw new Error("No port of 127.0.0.1 is free.");
  if (free !== usualPort) say(`Port ${usualPort} is taken, so this run uses ${free}.`);
  return free;
}

async function tryPort(port: number): Promise<number | undefined> {
  const probe = createServer();
  try {
    await once(probe.listen(port, "127.0.0.1"), "listening");
    return (probe.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    probe.close();
  }
}

function sayWhatNext(url: string): void {
  const server = url.endsWith(`:${usualPort}`) ? "" : ` --server ${url}`;
  say("\nIt goes on serving until Ctrl-C. In another terminal:");
  for (const command of [
    `status`,
    `describe usgs.earthquakes`,
    `query "SELECT place, mag FROM usgs.earthquakes ORDER BY mag DESC LIMIT 5"`,
    `snapshots usgs.earthquakes`,
    `tail film.movies --limit 3`,
  ])
    say(`  npx mainstem${server} ${command}`);
  say(`or look at it in a browser: ${url}`);
}
