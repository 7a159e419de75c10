import type { Receipt } from "./api.ts";

/** One thing that was counted, and what the example's own model says that it must be. */
export interface Check {
  readonly what: string;
  readonly found: string | number;
  readonly expected: string | number;
}

export interface DatasetReport {
  readonly name: string;
  readonly checks: readonly Check[];
  /** Refused and quarantined records by cause, as lines. */
  readonly causes: readonly string[];
}

export interface Report {
  readonly datasets: readonly DatasetReport[];
  readonly queries: readonly { readonly title: string; readonly sql: string; readonly lines: readonly string[]; readonly check: Check }[];
}

export function failedChecks(report: Report): readonly string[] {
  const all = [
    ...report.datasets.flatMap(({ name, checks }) => checks.map((check) => ({ where: name, check }))),
    ...report.queries.map(({ title, check }) => ({ where: title, check })),
  ];
  return all.filter(({ check }) => !holds(check)).map(({ where, check }) => `${where}: ${check.what} is ${check.found}, expected ${check.expected}`);
}

export function formatReport(report: Report): readonly string[] {
  return [
    ...report.datasets.flatMap(({ name, checks, causes }) => ["", name, ...checks.map(formatCheck), ...causes.map((cause) => `      ${cause}`)]),
    ...report.queries.flatMap(({ title, sql, lines, check }) => ["", title, `  ${sql}`, ...lines.map((line) => `    ${line}`), formatCheck(check)]),
  ];
}

/** `9 × title: expected string, received number 1776 (record 21, …)`, the most frequent cause first. */
export function describeCauses(refused: Receipt["refused"]): readonly string[] {
  const groups = Map.groupBy(refused, ({ code, errors }) => {
    const { path = "", expected = "", received = "" } = errors[0] ?? {};
    return `${code} at ${path}: expected ${expected}, received ${received.split(" ", 1)[0]}`;
  });
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([cause, records]) => {
      const places = records.slice(0, 3).map(({ index }) => index);
      return `${records.length} × ${cause} (record${records.length === 1 ? "" : "s"} ${places.join(", ")}${records.length > places.length ? ", …" : ""})`;
    });
}

function holds({ found, expected }: Check): boolean {
  return found === expected;
}

function formatCheck(check: Check): string {
  const { what, found, expected } = check;
  const mark = holds(check) ? "✔" : "✘";
  return `  ${mark} ${what.padEnd(36)} ${show(found).padStart(9)}${holds(check) ? "" : `   expected ${show(expected)}`}`;
}

function show(value: string | number): string {
  return typeof value === "number" ? value.toLocaleString("en-US") : value;
}
