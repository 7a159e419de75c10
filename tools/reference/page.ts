/** A page that is made from the code. */
export interface Page {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
}

/** What every such page says of itself. */
export function madeFrom(source: string): string {
  return `This page is made from ${source} by \`node tools/reference.ts\`: change it there.`;
}

export function toTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A block that only shows. */
export function toBlock(text: string): string {
  return ["```", text.trim(), "```"].join("\n");
}
