// Runs the command lines that its argument lists, and writes what each of them wrote, as one JSON value: a start of Node for each would take minutes.
import { runCli } from "../../packages/mainstem/src/cli/program.ts";

const lists = JSON.parse(process.argv[2] ?? "[]") as readonly (readonly string[])[];
const streams = { output: process.stdout, errors: process.stderr };
const write = process.stdout.write.bind(process.stdout);

const called: unknown[] = [];
for (const args of lists) {
  const written = { output: "", errors: "" };
  for (const name of ["output", "errors"] as const)
    streams[name].write = (part: string | Uint8Array): boolean => {
      written[name] += String(part);
      return true;
    };
  const code = await runCli(args, { env: process.env });
  const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
  called.push({ args, code, output: linesOf(written.output), errors: linesOf(written.errors) });
}
write(JSON.stringify(called));
