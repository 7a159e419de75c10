// The simulated stores keep the same promises as the real ones: what a simulation finds on them can happen.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testObjectStore } from "../../packages/mainstem/src/objects/objects.contract.ts";
import { testStateStore } from "../../packages/mainstem/src/state/state.contract.ts";
import { ObjectsInMemory } from "./objects-in-memory.ts";
import { StateInMemory } from "./state-in-memory.ts";

testObjectStore("memory", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mainstem-simulation-"));
  const objects = new ObjectsInMemory({ directory });
  return { open: async () => objects.open(), [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
});

testStateStore("memory", async () => {
  let now = 1_000_000;
  const state = new StateInMemory({ now: () => now });
  return { open: async () => state.open(), advance: (ms) => void (now += ms), [Symbol.asyncDispose]: () => Promise.resolve() };
});
