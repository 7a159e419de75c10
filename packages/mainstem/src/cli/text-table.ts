import { formatExact } from "@mainstem/contract";
import { toPrintable } from "./terminal.ts";
import { cutToWidth, widthOf } from "./text-width.ts";

export interface TextColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  /** What has to be typed again, such as a name, or says nothing when it is cut, such as a count: it is never cut beside other columns. */
  readonly keep?: boolean;
  /** Left out where the others have no room otherwise, the last such column first. */
  readonly optional?: boolean;
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
 * Lines of a table, the titles first. With a width, columns that are optional are left out as far as need be, and the widest that need not be kept give way, ending
 * in "…", until the table fits; where that cannot be, each row becomes a block of its own with a line for each cell.
 */
export function formatTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[], { width, paint }: TableOptions = {}): readonly string[] {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => columns.map((_, index) => toPrintable(row[index] ?? "")));
  const natural = columns.map((_, index) => Math.max(...cells.map((row) => widthOf(row[index] ?? ""))));
  const shown = chooseColumns(columns, { natural, width: width ?? Number.POSITIVE_INFINITY });
  const least = leastWidth(columns, { natural, shown });
  if (width !== undefined && least > width && rows.length > 0)
    return formatBlocks(
      cells.map((row) => shown.map((index) => row[index] ?? "")),
      width,
    );
  const isCut = shown.map((index) => columns[index]?.keep !== true || least > (width ?? least));
  const wanted = shown.map((index) => natural[index] ?? 0);
  const widths = width === undefined ? wanted : fitWidths(wanted, { available: width - gap.length * (shown.length - 1), isCut });
  return cells.map((row, line) =>
    shown
      .map((index, place) => {
        const padded = pad(row[index] ?? "", { width: widths[place] ?? 0, align: columns[index]?.align ?? "left", last: place === shown.length - 1 });
        return line === 0 || paint === undefined ? padded : paint(padded, index);
      })
      .join(gap)
      .trimEnd(),
  );
}

interface Widths {
  readonly natural: readonly number[];
  /** The columns that are not left out. */
  readonly shown: readonly number[];
}

/** The columns that there is room for, without those that are empty and have no title. */
function chooseColumns(columns: readonly TextColumn[], { natural, width }: { readonly natural: readonly number[]; readonly width: number }): readonly number[] {
  let shown: readonly number[] = [...columns.keys()].filter((index) => natural[index] !== 0);
  while (leastWidth(columns, { natural, shown }) > width) {
    const spared = shown.findLast((index) => columns[index]?.optional === true);
    if (spared === undefined) break;
    shown = shown.filter((index) => index !== spared);
  }
  return shown;
}

/** What a table takes when all that may give way has. */
function leastWidth(columns: readonly TextColumn[], { natural, shown }: Widths): number {
  const least = shown.map((index) => (columns[index]?.keep === true ? (natural[index] ?? 0) : Math.min(natural[index] ?? 0, columnWidthMin)));
  return least.reduce((sum, one) => sum + one, gap.length * (shown.length - 1));
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

/** A line for each fact, its name before it. Its text is broken between words and never cut; a word that is wider than the screen, such as a path, stays whole. */
export function formatFacts(facts: readonly (readonly [string, string])[], { width }: Pick<TableOptions, "width"> = {}): readonly string[] {
  const nameWidth = Math.max(...facts.map(([name]) => widthOf(name)));
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - nameWidth - gap.length;
  return facts.flatMap(([name, text]) =>
    breakWords(toPrintable(text), room).map((line, index) => `${pad(index === 0 ? name : "", { width: nameWidth, align: "left", last: false })}${gap}${line}`),
  );
}

/** Lines of a width, broken between words; a wider word stays whole. */
export function breakWords(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || widthOf(line) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** A value of an answer as one cell. */
export function toCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : formatExact(value);
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
