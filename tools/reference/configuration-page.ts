import { describeConfig } from "../../packages/mainstem/src/runtime/config.ts";
import { madeFrom, toTable, type Page } from "./page.ts";

/** Every setting with its variable, default and limits. */
export function configurationPage(): Page {
  const rows = describeConfig().map(({ path, env, default: written = "", description, expected }) => [
    `\`${path}\``,
    `\`${env}\``,
    written && `\`${written}\``,
    `${description} Takes ${expected}.`,
  ]);
  const text = [
    "# Settings",
    "",
    "Where settings are given, and which of them wins, is in [Configuration](../operations/configuration.md). `mainstem doctor` checks them.",
    "",
    madeFrom("`packages/mainstem/src/runtime/config-schema.ts`"),
    "",
    toTable(["setting", "variable", "default", ""], rows),
    "",
    "Variables of the command line that are no settings: `MAINSTEM_CONFIG` (the configuration's file), `MAINSTEM_SERVER` (the server that commands talk to), `MAINSTEM_TOKEN` (its token), `NO_COLOR` and `FORCE_COLOR`.",
    "",
  ].join("\n");
  return { path: "docs/reference/configuration.md", text };
}
