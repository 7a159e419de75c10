// The script for bash in a real bash.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("bash completes with what the program says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mainstem-completion-"));
  try {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const program = join(folder, "mainstem");
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    await chmod(program, 0o755);
    await writeFile(join(folder, "two words.ndjson"), "");
    // As bash calls the function: the words, the place of the current one, and the program's name as the first argument.
    const script = [
      `eval "$("${program}" completion bash)"`,
      'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mainstem "$1"; printf "%s|" "${COMPREPLY[@]}"; echo; }',
      `try "${program}" comp`,
      `try "${program}" send shop.orders "two w"`,
      "complete -p mainstem",
    ].join("\n");
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, MAINSTEM_SERVER: "127.0.0.1:1" },
    });
    assert.equal(stdout, "completion|\ntwo words.ndjson|\ncomplete -F _mainstem mainstem\n", stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
