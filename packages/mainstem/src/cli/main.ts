#!/usr/bin/env node
import { runCli } from "./program.ts";

// Whoever reads us may stop reading (`mainstem tail … | head`): that ends the command, it is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

process.exitCode = await runCli(process.argv.slice(2), { env: process.env });
