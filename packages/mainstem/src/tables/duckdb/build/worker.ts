import { serveJobs } from "../../../runtime/workers.ts";
import { assert } from "../../../runtime/assert.ts";
import { Build, type BuildInput, type BuildOutput } from "./build.ts";
import type { Loaded } from "./load.ts";

/** The steps of builds, each of which has an id of the caller's. A build whose step fails is closed by the caller too. */
export type BuildJobs = {
  readonly open: { readonly input: { readonly build: number; readonly job: BuildInput }; readonly output: void };
  readonly load: { readonly input: { readonly build: number }; readonly output: Loaded & { readonly candidates: readonly number[] } };
  readonly compare: { readonly input: { readonly build: number; readonly paths: ReadonlyMap<number, string> }; readonly output: readonly number[] };
  readonly write: { readonly input: { readonly build: number; readonly paths: ReadonlyMap<number, string> }; readonly output: BuildOutput };
  readonly close: { readonly input: { readonly build: number }; readonly output: void };
};

const builds = new Map<number, Build>();

function require(id: number): Build {
  const build = builds.get(id);
  assert(build !== undefined, "a step belongs to a build that was opened");
  return build;
}

serveJobs<BuildJobs>({
  async open({ build, job }) {
    builds.set(build, await Build.open(job));
  },
  load: ({ build }, context) => require(build).load(context),
  compare: ({ build, paths }, context) => require(build).compare(paths, context),
  write: ({ build, paths }, context) => require(build).write(paths, context),
  async close({ build }) {
    const open = builds.get(build);
    builds.delete(build);
    await open?.[Symbol.asyncDispose]();
  },
});
