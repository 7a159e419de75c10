// Writes the reference pages that are made from the code: `node tools/reference.ts`. `tools/reference.test.ts` says when they are out of date.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeConfig } from "../packages/mainstem/src/runtime/config.ts";
import { codes } from "../packages/mainstem/src/runtime/errors.ts";
import { repository } from "./source-files.ts";

export interface Page {
  readonly path: string;
  readonly text: string;
}

export function makePages(): readonly Page[] {
  return [
    { path: "docs/guide/errors.md", text: errorsPage() },
    { path: "docs/guide/configuration.md", text: configurationPage() },
  ];
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

function configurationPage(): string {
  const rows = describeConfig().map(({ path, env, default: fallback, expected, description }) => {
    const value = fallback === undefined || fallback === "" ? "" : `\`${fallback}\``;
    return `| \`${path}\` | \`${env}\` | ${value} | ${escape(expected)} | ${escape(description)} |`;
  });
  return [
    "# Configuration",
    "",
    "Mainstem runs without any. What is to be different stands in `mainstem.config.ts`, `.yaml` or `.json` in the folder where it is started (`--config` names another file), in an environment variable, or in a flag of `mainstem dev`; a flag wins over the environment, the environment over the file. All faults are reported at once, before anything is opened. `mainstem dev` archives and builds every 2 s unless it is told otherwise. A secret is a reference, never the value itself: `env:NAME` or `file:PATH`. This page is made from the settings themselves by `node tools/reference.ts`.",
    "",
    "| setting | environment variable | default | value | what it is |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "In TypeScript, `defineConfig` from `mainstem` checks the file while it is written:",
    "",
    "```",
    'import { defineConfig } from "mainstem";',
    "",
    'export default defineConfig({ archive: { every: "30s" }, tables: { every: "1m" } });',
    "```",
    "",
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) for (const { path, text } of makePages()) writeFileSync(join(repository, path), text);
