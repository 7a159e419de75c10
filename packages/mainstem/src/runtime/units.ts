import { MainstemError } from "./errors.ts";

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizes: Readonly<Record<string, number>> = { B: 1, KB: 1_000, MB: 1_000_000, GB: 1_000_000_000, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** `"5m"`, `"250ms"`, `"1.5h"` as milliseconds. Throws `config.invalid`. */
export function parseDuration(text: string): number {
  return parseQuantity(text, durations, "a duration such as 250ms, 30s, 5m, 1h or 7d");
}

/** `"256MB"`, `"1GiB"` as bytes. Throws `config.invalid`. */
export function parseSize(text: string): number {
  return parseQuantity(text, sizes, "a size such as 64KB, 256MB or 1GiB");
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const unit = match?.[2] === undefined ? undefined : units[match[2]];
  if (match?.[1] === undefined || unit === undefined) throw new MainstemError("config.invalid", `${JSON.stringify(text)} is not ${expected}.`, { text });
  return Math.round(Number(match[1]) * unit);
}
