#!/usr/bin/env node
import module from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

const nodeMajor = 24;

// This file is all that an older Node can read: whatever is newer is imported after the check.
if (Number(process.versions.node.split(".")[0]) < nodeMajor) {
  console.error(
    `Mainstem needs Node ${nodeMajor} or later, and this is ${process.versions.node}. Install it from https://nodejs.org, or: npm install node@${nodeMajor}`,
  );
  process.exit(1);
}

// Most of what a short command does is to compile itself: what was compiled once is kept, where only this user writes. Where that cannot be, nothing is.
const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
if (isAbsolute(cache)) module.enableCompileCache(join(cache, "mainstem"));
const { runCli } = await import("./program.ts");

// Whoever reads us may stop reading (`mainstem tail … | head`): that ends the command, it is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

process.exitCode = await runCli(process.argv.slice(2), { env: process.env });
