// Types, lint, format, tidiness and unit tests at once, in under a minute: `npm run check`.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { repository } from "./source-files.ts";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** What to do when it fails. */
  readonly remedy: string;
}

/** What has not changed since the last run is not checked again. */
const typed = (name: string): readonly string[] => ["--noEmit", "--incremental", "--tsBuildInfoFile", join(repository, `node_modules/.cache/types-${name}`)];
const bin = (name: string): string => join(repository, "node_modules", ".bin", name);
const steps: readonly Step[] = [
  { name: "types", command: [bin("tsc"), ...typed("all"), "-p", "."], remedy: "Mend the types at the places above." },
  { name: "web", command: [bin("tsc"), ...typed("web"), "-p", "packages/web"], remedy: "Mend the types of the web page at the places above." },
  { name: "lint", command: [bin("oxlint"), "--type-aware", "--deny-warnings"], remedy: "Mend the places above; each names its rule." },
  { name: "format", command: [bin("oxfmt"), "--check", "."], remedy: "Run `npm run format`." },
  { name: "tidy", command: [process.execPath, "tools/test.ts", "tidy"], remedy: "Each line above names a file and the house rule that it breaks." },
  { name: "unit", command: [process.execPath, "tools/test.ts", "unit"], remedy: "Run one file alone: `node_modules/.bin/node --test PATH`." },
];

interface Outcome {
  readonly step: Step;
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

const began = performance.now();
const outcomes = await Promise.all(steps.map(runStep));
const failures = outcomes.filter((outcome) => outcome.code !== 0);
for (const { step, output } of failures) console.log(`\n── ${step.name} ${"─".repeat(60)}\n${output.trim()}\n→ ${step.remedy}`);
console.log(`\ncheck: ${failures.length === 0 ? "all well" : `${failures.map(({ step }) => step.name).join(", ")} failed`} after ${since(began)} s`);
console.log(`${outcomes.length - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

function runStep(step: Step): Promise<Outcome> {
  const [program = "", ...args] = step.command;
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: repository, stdio: ["ignore", "pipe", "pipe"] });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.stderr.on("data", (part: Buffer) => parts.push(part));
    const end = (code: number, extra = ""): void => {
      const output = Buffer.concat(parts).toString() + extra;
      console.log(`${code === 0 ? "ok    " : "FAILED"} ${step.name.padEnd(7)} ${since(started).padStart(6)} s${note(step, output)}`);
      resolve({ step, code, output, seconds: Number(since(started)) });
    };
    child.on("error", (error) => end(1, `\n${program} did not start: ${error.message}`));
    child.on("close", (code) => end(code ?? 1));
  });
}

/** The counts that the test runner closes with. */
function note(step: Step, output: string): string {
  const counts = /(\d+ passed, \d+ failed)\s*$/.exec(output)?.[1];
  return step.command.includes("tools/test.ts") && counts !== undefined ? `   ${counts}` : "";
}

function since(start: number): string {
  return ((performance.now() - start) / 1_000).toFixed(1);
}
