import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** What a process holds at one moment. */
export interface VitalSign {
  /** Seconds since the first. */
  readonly at: number;
  /** Memory of its own, without what it maps from files. */
  readonly megabytes: number;
  /** Open files, sockets and the like. */
  readonly handles: number;
  readonly threads: number;
}

/** Linux tells it in /proc; elsewhere there is nothing to look at. */
export const canBeTaken = process.platform === "linux";

/** Looks at a process once a second until the signal. */
export async function takeVitalSigns(pid: number, { signal }: { readonly signal: AbortSignal }): Promise<readonly VitalSign[]> {
  const signs: VitalSign[] = [];
  const started = performance.now();
  while (!signal.aborted) {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    const handles = (await readdir(`/proc/${pid}/fd`)).length;
    signs.push({ at: (performance.now() - started) / 1_000, megabytes: number("RssAnon") / 1_024, handles, threads: number("Threads") });
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
  return signs;
}

/** The medians of a part of the signs, from and to a share of the time. */
export function medians(signs: readonly VitalSign[], from: number, to: number): Omit<VitalSign, "at"> {
  const end = signs.at(-1)?.at ?? 0;
  const part = signs.filter(({ at }) => at >= from * end && at <= to * end);
  const median = (of: (sign: VitalSign) => number): number => part.map(of).sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? Number.NaN;
  return { megabytes: Math.round(median(({ megabytes }) => megabytes)), handles: median(({ handles }) => handles), threads: median(({ threads }) => threads) };
}
