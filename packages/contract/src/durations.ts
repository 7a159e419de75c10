const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Whether a text is a duration as contracts write them: `30s`, `15m`, `1h`, `7d`. */
export function isDuration(text: unknown): text is string {
  return typeof text === "string" && /^[1-9]\d{0,8}(?:ms|s|m|h|d)$/.test(text);
}

/** Milliseconds of a duration that `isDuration` accepts. */
export function durationMs(text: string): number {
  const [, count, unit = ""] = /^(\d+)([a-z]+)$/.exec(text) ?? [];
  return Number(count) * (units[unit] as number);
}
