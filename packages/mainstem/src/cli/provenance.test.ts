import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readProvenance } from "./provenance.ts";

const sha = "0123456789abcdef0123456789abcdef01234567";

test("takes the commit that CI builds", async () => {
  for (const name of ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"])
    assert.equal(await readProvenance({ cwd: tmpdir(), env: { ...process.env, [name]: sha } }), `commit ${sha}`);
});

test("takes the commit that is checked out, and says whether files differ from it", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "mainstem-git-"));
  // Only what this test sets: the commits of the machine's CI, and its git settings, must not count.
  const env = { PATH: process.env["PATH"], HOME: cwd, GIT_CONFIG_NOSYSTEM: "1", GIT_CEILING_DIRECTORIES: tmpdir() };
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    assert.equal(await readProvenance({ cwd, env }), undefined, "no repository");
    git("init");
    assert.equal(await readProvenance({ cwd, env }), undefined, "no commit yet");
    await writeFile(join(cwd, "orders.json"), "{}");
    git("add", "orders.json");
    git("commit", "-m", "orders");
    const head = git("rev-parse", "HEAD");
    await writeFile(join(cwd, "notes.txt"), "not added");
    assert.equal(await readProvenance({ cwd, env }), `commit ${head}`);
    await writeFile(join(cwd, "orders.json"), "{ }");
    assert.equal(await readProvenance({ cwd, env }), `commit ${head} with uncommitted changes`);
  } finally {
    await rm(cwd, { recursive: true });
  }
});
