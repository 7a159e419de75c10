import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const gitMsMax = 5_000;
/** Where CI systems say which commit they build: GitHub, GitLab, CircleCI, Bitbucket, Azure, Jenkins, Buildkite, Travis. */
const commitVariables = "GITHUB_SHA CI_COMMIT_SHA CIRCLE_SHA1 BITBUCKET_COMMIT BUILD_SOURCEVERSION GIT_COMMIT BUILDKITE_COMMIT TRAVIS_COMMIT".split(" ");

/**
 * Where a declaration comes from: the commit that CI builds, or the one that is checked out, and whether files differ from it.
 * Undefined outside of both.
 */
export async function readProvenance({ cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Promise<string | undefined> {
  const variable = commitVariables.find((name) => /^[0-9a-f]{7,64}$/i.test(env[name] ?? ""));
  if (variable !== undefined) return `commit ${env[variable]}`;
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run("git", [...args], { cwd, timeout: gitMsMax, env: { ...env, GIT_OPTIONAL_LOCKS: "0" } })).stdout.trim();
  try {
    const commit = await git("rev-parse", "--verify", "HEAD");
    const changed = await git("status", "--porcelain", "--untracked-files=no");
    return `commit ${commit}${changed === "" ? "" : " with uncommitted changes"}`;
  } catch {
    // No git, no repository, or no commit yet.
    return undefined;
  }
}
