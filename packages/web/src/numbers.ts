const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function formatCount(value: number): string {
  return whole.format(value);
}

/** `1 record`, `2 records`. */
export function formatAmount(value: number, one: string, several = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : several}`;
}

/** `812 /s`, or a dash where it is not known. */
export function formatRate(perSecond: number | null): string {
  return perSecond === null ? "–" : `${perSecond >= 1_000 ? whole.format(perSecond) : short.format(perSecond)} /s`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${short.format(bytes / 1_000 ** power)} ${units[power]}`;
}

/** `2 min 5 s`; the two largest units. */
export function formatDuration(seconds: number): string {
  const all = Math.max(0, Math.round(seconds));
  const parts = [
    { unit: "d", value: Math.floor(all / 86_400) },
    { unit: "h", value: Math.floor(all / 3_600) % 24 },
    { unit: "min", value: Math.floor(all / 60) % 60 },
    { unit: "s", value: all % 60 },
  ];
  const from = parts.findIndex(({ value }) => value > 0);
  if (from === -1) return "0 s";
  return parts
    .slice(from, from + 2)
    .filter(({ value }) => value > 0)
    .map(({ unit, value }) => `${value} ${unit}`)
    .join(" ");
}

/** `2026-11-21 14:05:02` in UTC, the same text for everybody who looks; of today the time alone. */
export function formatTime(time: string, today = new Date().toISOString()): string {
  return time.slice(0, 10) === today.slice(0, 10) ? time.slice(11, 19) : time.slice(0, 19).replace("T", " ");
}
