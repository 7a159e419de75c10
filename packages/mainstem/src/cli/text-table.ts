import { toPrintable } from "./terminal.ts";
import { cutToWidth, widthOf } from "./text-width.ts";

export interface TextColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  /** What has to be typed again, such as a name, gives way last of all. */
  readonly keep?: boolean;
}

export interface TableOptions {
  /** Of the screen; nothing is cut where there is none. */
  readonly width?: number | undefined;
  /** Colours a cell, which has its final width already; the column is counted from 0. */
  readonly paint?: (cell: string, column: number) => string;
}

const gap = "  ";
/** A column is never made narrower than this. */
const columnWidthMin = 6;

/**
 * Lines of a table, the titles first. With a width the widest columns that need not be kept give way, ending in "…", until the table fits; where that cannot be,
 * each row becomes a block of its own with a line for each cell.
 */
export function formatTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[], { width, paint }: TableOptions = {}): readonly string[] {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => columns.map((_, index) => toPrintable(row[index] ?? "")));
  const natural = columns.map((_, index) => Math.max(...cells.map((row) => widthOf(row[index] ?? ""))));
  const available = width === undefined ? undefined : width - gap.length * (columns.length - 1);
  const least = natural.reduce((sum, one) => sum + Math.min(one, columnWidthMin), 0);
  if (available !== undefined && least > available && rows.length > 0) return formatBlocks(cells, width ?? 0);
  const kept = natural.map((one, index) => (columns[index]?.keep === true ? one : Math.min(one, columnWidthMin)));
  const mayKeep = kept.reduce((sum, one) => sum + one, 0) <= (available ?? 0);
  const isCut = columns.map(({ keep = false }) => !keep || !mayKeep);
  const widths = available === undefined ? natural : fitWidths(natural, { available, isCut });
  return cells.map((row, line) =>
    row
      .map((cell, index) => {
        const padded = pad(cell, { width: widths[index] ?? 0, align: columns[index]?.align ?? "left", last: index === row.length - 1 });
        return line === 0 || paint === undefined ? padded : paint(padded, index);
      })
      .join(gap)
      .trimEnd(),
  );
}

/** Takes from the widest columns that may be cut first, evenly, until the sum fits. */
function fitWidths(natural: readonly number[], { available, isCut }: { readonly available: number; readonly isCut: readonly boolean[] }): readonly number[] {
  const capped = (cap: number): readonly number[] => natural.map((width, index) => (isCut[index] === true ? Math.min(width, cap) : width));
  const total = (cap: number): number => capped(cap).reduce((sum, width) => sum + width, 0);
  let cap = Math.max(...natural, 0);
  while (cap > columnWidthMin && total(cap) > available) cap--;
  const widths = capped(cap);
  // What the even cut left over goes to the columns that were cut.
  let spare = available - total(cap);
  return widths.map((width, index) => {
    const more = Math.max(0, Math.min((natural[index] ?? 0) - width, spare));
    spare -= more;
    return width + more;
  });
}

function formatBlocks([titles = [], ...rows]: readonly (readonly string[])[], width: number): readonly string[] {
  const titleWidth = Math.min(Math.max(...titles.map(widthOf)), Math.floor(width / 3));
  return rows.flatMap((row, index) => [
    cutToWidth(`── ${index + 1} ${"─".repeat(width)}`, width).replace("…", "─"),
    ...titles.map((title, column) => {
      const name = pad(title, { width: titleWidth, align: "left", last: false });
      return `${name}${gap}${cutToWidth(row[column] ?? "", width - titleWidth - gap.length)}`.trimEnd();
    }),
  ]);
}

interface Pad {
  readonly width: number;
  readonly align: "left" | "right";
  /** Nothing follows on the line: no blanks are needed. */
  readonly last: boolean;
}

function pad(text: string, { width, align, last }: Pad): string {
  const cut = cutToWidth(text, width);
  const space = " ".repeat(Math.max(0, width - widthOf(cut)));
  return align === "right" ? space + cut : last ? cut : cut + space;
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

/** 75 as 1 min 15 s, by the two largest units. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  let rest = whole;
  return units
    .slice(first, first + 2)
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : [`${count} ${unit}`];
    })
    .join(" ");
}
