import { factsOf } from "../../runtime/errors.ts";

/** `warning`: it works, and somebody should know. `skipped`: what it needs failed before it. */
export type Verdict = "ok" | "warning" | "failed" | "skipped";

/** What was looked at, what was found, and what to do about it. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly remedy?: string;
  /** The error's code, where it was one. */
  readonly code?: string;
}

export function ok(name: string, message: string): Check {
  return { name, verdict: "ok", message };
}

export function warning(name: string, message: string, remedy: string): Check {
  return { name, verdict: "warning", message, remedy };
}

export function failed(name: string, message: string, remedy: string): Check {
  return { name, verdict: "failed", message, remedy };
}

/** An error as the platform would have met it. */
export function failedWith(name: string, error: unknown): Check {
  const { code, remedy } = factsOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === "runtime.bug" ? failed(name, message, "See the message: Mainstem would meet the same.") : { ...failed(name, message, remedy), code };
}
