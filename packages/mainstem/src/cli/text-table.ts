import { toPrintable } from "./terminal.ts";

export interface TextColumn {
  readonly title: string;
  readonly align?: "left" | "right";
}

const gap = "  ";
/** A column is never made narrower than this. */
const columnWidthMin = 6;

/**
 * Lines of a table, the titles first. With a width the widest columns give way, ending in "…", until the table fits;
 * columns that cannot fit even so are left to the right of the edge.
 */
export function formatTable(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
  options: { readonly width?: number | undefined } = {},
): readonly string[] {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => columns.map((_, index) => toPrintable(row[index] ?? "")));
  const natural = columns.map((_, index) => Math.max(...cells.map((row) => lengthOf(row[index] ?? ""))));
  const widths = options.width === undefined ? natural : fitWidths(natural, options.width - gap.length * (columns.length - 1));
  return cells.map((row) =>
    row
      .map((cell, index) => pad(cell, { width: widths[index] ?? 0, align: columns[index]?.align ?? "left" }))
      .join(gap)
      .trimEnd(),
  );
}

/** Takes from the widest columns first, evenly, until the sum fits. */
function fitWidths(natural: readonly number[], available: number): readonly number[] {
  const total = (cap: number): number => natural.reduce((sum, width) => sum + Math.min(width, cap), 0);
  let cap = Math.max(...natural, 0);
  while (cap > columnWidthMin && total(cap) > available) cap--;
  const widths = natural.map((width) => Math.min(width, cap));
  // What the even cut left over goes to the columns that were cut.
  let spare = available - total(cap);
  return widths.map((width, index) => {
    const more = Math.max(0, Math.min((natural[index] ?? 0) - width, spare));
    spare -= more;
    return width + more;
  });
}

function pad(text: string, { width, align }: { readonly width: number; readonly align: "left" | "right" }): string {
  const characters = Array.from(text);
  if (characters.length > width) return `${characters.slice(0, width - 1).join("")}…`;
  const space = " ".repeat(width - characters.length);
  return align === "right" ? space + text : text + space;
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** A value of an answer as one cell. */
export function toCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** 12345678 as 12,345,678. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** 1 entry, 1,200 entries. */
export function formatCounted(count: number, one: string, several = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[step]}`;
}
