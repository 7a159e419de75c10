import { availableParallelism, totalmem } from "node:os";
import { compileDoorEncoder, parseContract } from "@mainstem/contract";
import type { Config } from "../../runtime/config.ts";
import { version } from "../../runtime/version.ts";
import { formatBytes, formatCount } from "../text-table.ts";
import { failed, ok, warning, type Check } from "./check.ts";

/** Node's releases that every test ran on. */
const nodeTested = { least: 24, most: 26 } as const;
const openFilesLeast = 1_024;
/** Before this nobody had written Mainstem: a machine without a battery for its clock starts in 1970. */
const clockLeast = Date.UTC(2026, 0, 1);

export function checkVersions(node: string = process.versions.node): Check {
  const found = `Mainstem ${version} on Node ${node}, ${process.platform} ${process.arch}`;
  const major = Number(node.split(".")[0]);
  if (major < nodeTested.least) return failed("versions", `${found}.`, `Install Node ${nodeTested.least} or later: https://nodejs.org.`);
  if (major > nodeTested.most)
    return warning("versions", `${found}, which is newer than what it was tested on.`, `Where something is odd, try Node ${nodeTested.most}.`);
  return ok("versions", found);
}

/** What runs as machine code is loaded, and has to count right. */
export async function checkNativeModules(): Promise<readonly Check[]> {
  return [
    await checkModule("@duckdb/node-api", async () => {
      const { DuckDBInstance } = await import("@duckdb/node-api");
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      try {
        const [row] = await (await connection.run("SELECT version(), 6 * 7")).getRows();
        return { found: `DuckDB ${String(row?.[0])}`, right: row?.[1] === 42 };
      } finally {
        connection.closeSync();
        instance.closeSync();
      }
    }),
    await checkModule("@node-rs/crc32", async () => {
      const { default: crc32 } = await import("@node-rs/crc32");
      // The check value of CRC-32C (RFC 3720, B.4 has others).
      return { found: "CRC-32C", right: crc32.crc32c("123456789") === 0xe3069283 };
    }),
    await checkModule("node:sqlite", async () => {
      const { DatabaseSync } = await import("node:sqlite");
      using database = new DatabaseSync(":memory:");
      const row = database.prepare("SELECT sqlite_version() AS version, 6 * 7 AS answer").get();
      return { found: `SQLite ${String(row?.["version"])}`, right: row?.["answer"] === 42 };
    }),
  ];
}

async function checkModule(name: string, work: () => Promise<{ readonly found: string; readonly right: boolean }>): Promise<Check> {
  const title = `native ${name}`;
  try {
    const { found, right } = await work();
    if (right) return ok(title, found);
    return failed(title, `${found} gives wrong results.`, "Install the packages again (delete node_modules, npm install); if it stays, report it.");
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    const remedy = `Install the packages again on this machine, with optional ones (npm install, without --omit=optional): ${name} has a build for each system, and that for ${process.platform} ${process.arch} is missing or does not fit.`;
    return failed(title, `It could not be loaded: ${message}`, remedy);
  }
}

/** Records are moved by code that is generated for their schemas; on other ways the results are the same and come several times more slowly. */
export async function checkGeneratedCode(inspectLoading: () => Promise<string | undefined>): Promise<Check> {
  const { reason } = compileDoorEncoder(parseContract(trialContract));
  const loading = await inspectLoading();
  if (reason === "none" && loading === undefined) return ok("generated code", "records are encoded and loaded by code made for their schemas");
  const door = { none: [], unsupported: [], forbidden: ["records are encoded without it: it is not allowed"], mismatch: ["the encoder failed its self-check"] }[
    reason
  ];
  const found = [...door, ...(loading === undefined ? [] : [`tables are built without it: ${loading}`])].join("; ");
  const remedy =
    reason === "forbidden"
      ? "Start Node without --disallow-code-generation-from-strings (see NODE_OPTIONS)."
      : "Results stay right. Install the packages again as they were released; if it stays, report it.";
  return warning("generated code", `Everything is several times slower: ${found}.`, remedy);
}

const trialContract = {
  name: "mainstem.trial",
  schema: { type: "record", name: "trial", namespace: "mainstem", fields: [{ name: "id", type: "string" }] },
  key: ["id"],
  order: "log",
};

/** A container's limit counts where there is one. */
export function checkMemory({ tables }: Config): Check {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  const found = `${formatBytes(total)}, ${formatCount(availableParallelism())} cores; a table build may take ${formatBytes(tables.memoryBytesMax)}`;
  if (tables.memoryBytesMax > total / 2)
    return warning("memory", `${found}, more than half of it.`, "Set tables.memoryBytesMax to less: builds spill to disk where it does not suffice.");
  return ok("memory", found);
}

/** Each partition of the log holds files open, and so does each connection. */
export function checkOpenFiles(): Check {
  const report = process.report.getReport() as { readonly userLimits?: { readonly open_files?: { readonly soft: unknown } } };
  const soft = Number(report.userLimits?.open_files?.soft);
  if (Number.isFinite(soft) && soft < openFilesLeast)
    return warning(
      "open files",
      `This process may open ${formatCount(soft)} files.`,
      `Allow ${formatCount(openFilesLeast)} or more: ulimit -n, or LimitNOFILE= in a systemd unit.`,
    );
  return ok("open files", Number.isFinite(soft) ? `${formatCount(soft)} at once` : "no limit is known");
}

/** `lastAppend` is the log's own time: a clock that is behind it was set back. */
export function checkClock({ now, lastAppend }: { readonly now: number; readonly lastAppend: number | undefined }): Check {
  const time = new Date(now).toISOString();
  const remedy = "Set the clock, and keep it right with NTP (timedatectl, chrony).";
  if (now < clockLeast) return failed("clock", `It says ${time}.`, remedy);
  const behindMs = (lastAppend ?? 0) - now;
  if (behindMs > 1_000)
    return warning(
      "clock",
      `It says ${time}, ${formatCount(Math.round(behindMs / 1_000))} s before the log's own time, which never runs back: until it has caught up, records get that time.`,
      remedy,
    );
  return ok("clock", time);
}
