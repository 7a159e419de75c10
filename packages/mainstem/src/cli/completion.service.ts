// The scripts for bash, zsh and fish, each in its real shell, for a program on the PATH and for a function of that name, as those make it who have it in a project.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";

const missing = (shell: string): string | false => (spawnSync(shell, ["-c", "true"]).error === undefined ? false : `${shell} is not installed here`);

suite("shells complete with what the program says", () => {
  let folder: string;
  /** Not on the PATH. */
  let program: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mainstem-completion-"));
    program = join(folder, "mainstem");
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    await chmod(program, 0o755);
    await writeFile(join(folder, "two words.ndjson"), "");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** What a shell prints for a script; `path`: with the program on the PATH. */
  const run = (shell: string, args: readonly string[], { path }: { readonly path: boolean }): { readonly stdout: string; readonly stderr: string } =>
    spawnSync(shell, args, {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, MAINSTEM_SERVER: "127.0.0.1:1", ...(path ? { PATH: `${folder}:${process.env["PATH"]}` } : {}) },
      timeout: 60_000,
    });

  for (const path of [true, false]) {
    const how = path ? "on the PATH" : "as a function";

    test(`bash, ${how}`, () => {
      // As bash calls the function: the words, the place of the current one, and the program's name as the first argument.
      const script = [
        path ? "" : `mainstem() { "${program}" "$@"; }`,
        'eval "$(mainstem completion bash)"',
        'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mainstem "$1"; printf "%s|" "${COMPREPLY[@]}"; echo; }',
        "try mainstem comp",
        'try mainstem send shop.orders "two w"',
        "complete -p mainstem",
      ].join("\n");
      const { stdout, stderr } = run("bash", ["--norc", "-c", script], { path });
      assert.equal(stdout, "completion|\ntwo words.ndjson|\ncomplete -F _mainstem mainstem\n", stderr);
    });

    test(`zsh, ${how}`, { skip: missing("zsh") }, async () => {
      // A zsh at a terminal of its own, in which the Tab key is pressed.
      const setUp = [
        "PS1='> '",
        "autoload -U compinit",
        "compinit -u -D",
        path ? ":" : `mainstem() { "${program}" "$@"; }`,
        'eval "$(mainstem completion zsh)"',
      ];
      await writeFile(join(folder, "set-up.zsh"), setUp.join("\n"));
      const script = [
        "zmodload zsh/zpty; zpty shell zsh -f -i",
        'until_said() { local line seen=; repeat 300; do zpty -r -t shell line && seen+=$line; [[ $seen == *$1* ]] && { print -r -- "found $1"; return }; sleep 0.1; done; print -r -- "$seen" }',
        "zpty -w shell 'source ./set-up.zsh; echo set''-up-done'; until_said set-up-done",
        "zpty -w -n shell $'mainstem comp\\t'; until_said 'mainstem completion'",
        "zpty -w -n shell $'\\C-umainstem send shop.orders tw\\t'; until_said 'o\\ words.ndjson'",
        "zpty -w -n shell $'\\C-umainstem inbox \\t\\t'; until_said 'what waits'",
        "zpty -d shell",
      ];
      const { stdout, stderr } = run("zsh", ["-f", "-c", script.join("\n")], { path });
      assert.equal(stdout, "found set-up-done\nfound mainstem completion\nfound o\\ words.ndjson\nfound what waits\n", stderr);
    });

    test(`fish, ${how}`, { skip: missing("fish") }, () => {
      const script = [
        path ? "" : `function mainstem; "${program}" $argv; end`,
        "mainstem completion fish | source",
        "complete -C 'mainstem comp' | string match -r '^\\S+'",
        "complete -C 'mainstem send shop.orders tw'",
        "complete -C 'mainstem inbox l' | string match -r '^\\S+\\twhat waits'",
      ].join("\n");
      const { stdout, stderr } = run("fish", ["--no-config", "-c", script], { path });
      assert.equal(stdout, "completion\ntwo words.ndjson\nlist\twhat waits\n", stderr);
    });
  }
});
