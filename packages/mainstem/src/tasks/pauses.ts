import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { StateStore } from "../state/index.ts";
import type { Pause } from "./task.ts";

const kind = "task";

/** Whether a task is paused, kept in the state with its history: definitions of the kind `task` (docs/formats/state.md). */
export async function readPause(state: Pick<StateStore, "definitions">, task: string): Promise<Pause | undefined> {
  const definition = await state.definitions.get(kind, task);
  return definition === undefined ? undefined : parsePause(task, definition.spec);
}

/** Pauses the task, or with undefined lets it go on; what is so already makes no version. */
export async function writePause(
  state: Pick<StateStore, "definitions">,
  change: { readonly task: string; readonly pause: Pause | undefined; readonly now: number },
): Promise<void> {
  const { task, pause, now } = change;
  for (let tries = 0; tries < limits.registryConflictsMax; tries++) {
    const current = await state.definitions.get(kind, task);
    const before = current === undefined ? undefined : parsePause(task, current.spec);
    if ((before === undefined) === (pause === undefined)) return;
    const next = { kind, name: task, spec: { formatVersion: 1, paused: pause ?? null }, appliedAt: now };
    if ((await state.definitions.put(next, current?.version ?? "absent")).kind === "committed") return;
  }
  throw new MainstemError("registry.conflict", `Others kept changing whether ${task} is paused.`, { task });
}

function parsePause(task: string, spec: unknown): Pause | undefined {
  const { formatVersion, paused } = (spec ?? {}) as { readonly formatVersion?: unknown; readonly paused?: unknown };
  if (formatVersion !== 1) throw new MainstemError("state.newer", `What is stored of the task ${task} has the format ${String(formatVersion)}.`, { task });
  if (paused === null) return undefined;
  const { by, at, reason } = (paused ?? {}) as Partial<Record<keyof Pause, unknown>>;
  if (typeof by !== "string" || typeof at !== "number") throw new MainstemError("state.corrupt", `The pause of the task ${task} cannot be read.`, { task });
  return { by, at, ...(typeof reason === "string" ? { reason } : {}) };
}
