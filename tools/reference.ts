// Writes the reference pages that are made from the code: `node tools/reference.ts`. `tools/reference.test.ts` says when they are out of date.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { codes } from "../packages/mainstem/src/runtime/errors.ts";
import { repository } from "./source-files.ts";

export interface Page {
  readonly path: string;
  readonly text: string;
}

export function makePages(): readonly Page[] {
  return [{ path: "docs/guide/errors.md", text: errorsPage() }];
}

const taskActions = {
  retry: "tries again, later and later",
  inbox: "puts the record into the inbox and goes on",
  stop: "stops until somebody looks",
  bug: "stops, and logs where",
} as const;

function errorsPage(): string {
  const rooms = Map.groupBy(Object.entries(codes), ([code]) => code.split(".", 1)[0] ?? "");
  const sections = [...rooms].map(([room, entries]) => {
    const rows = entries.map(([code, { status, task, remedy }]) => `| \`${code}\` | ${status} | ${taskActions[task]} | ${remedy} |`);
    return [`## ${room}`, "", "| code | HTTP status | a task | what to do |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
  });
  return [
    "# Errors",
    "",
    "Every error has a code. The HTTP API answers with a problem (RFC 9457) that holds `code`, `detail` and `remedy`; the command line prints them; a task decides by the code what it does. This page is made from `packages/mainstem/src/runtime/errors.ts` by `node tools/reference.ts`.",
    "",
    ...sections,
  ].join("\n");
}

if (import.meta.main) for (const { path, text } of makePages()) writeFileSync(join(repository, path), text);
