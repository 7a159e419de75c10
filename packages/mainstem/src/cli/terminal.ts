import { once } from "node:events";
import { styleText } from "node:util";
import { cutToWidth } from "./text-width.ts";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Where a command writes. Results go to standard output, everything that is said about them to standard error. */
export interface Terminal {
  /** Columns of the screen of results; undefined where they go to no screen, so that nothing is cut in a pipe. */
  readonly width: number | undefined;
  /** Columns of the screen on which a line of progress may be drawn over itself; undefined where there is none, or with `--json`. */
  readonly progressWidth: number | undefined;
  /** Writes a line of results; resolves when the reader kept up. */
  line(text: string): Promise<void>;
  say(text: string): void;
  /** Draws the whole screen of results anew, in place; what does not fit below its edge is left out. Only where there is a screen. */
  screen(lines: readonly string[]): Promise<void>;
  /** Replaces the line of progress; an empty text removes it. Does nothing where there is no screen. */
  progress(text: string): void;
  style(style: Style, text: string): string;
}

export function createTerminal(options: { readonly color: boolean; readonly quiet: boolean }): Terminal {
  const { stdout, stderr } = process;
  let drawn = false;
  const progressWidth = (): number | undefined => (stderr.isTTY && !options.quiet ? stderr.columns || 80 : undefined);
  const clear = (): void => {
    if (drawn) stderr.write("\r\u001b[2K");
    drawn = false;
  };
  return {
    get width() {
      return stdout.isTTY ? stdout.columns || 80 : undefined;
    },
    get progressWidth() {
      return progressWidth();
    },
    async line(text) {
      clear();
      if (!stdout.write(`${text}\n`)) await once(stdout, "drain");
    },
    async screen(lines) {
      clear();
      // From the top left, each line over the one before, so that nothing flickers; then the rest is cleared.
      const text = lines
        .slice(0, stdout.rows > 1 ? stdout.rows - 1 : lines.length)
        .map((line) => `${line}\u001b[K\n`)
        .join("");
      if (!stdout.write(`\u001b[H${text}\u001b[J`)) await once(stdout, "drain");
    },
    say(text) {
      clear();
      stderr.write(`${text}\n`);
    },
    progress(text) {
      const width = progressWidth();
      if (width === undefined) return;
      if (text === "") return clear();
      // Drawn over the one before and then cleared to the right: nothing flickers.
      stderr.write(`\r${cutToWidth(toPrintable(text), width - 1)}\u001b[K`);
      drawn = true;
    },
    style: (style, text) => (options.color ? styleText(style, text, { validateStream: false }) : text),
  };
}

export const colorChoices = ["auto", "always", "never"] as const;
export type ColorChoice = (typeof colorChoices)[number];

/**
 * Whether colours are wanted. What was asked for on the command line counts first, then `NO_COLOR` (no-color.org), then `FORCE_COLOR`; otherwise
 * there are colours on a screen that has them, and none in a pipe.
 */
export function wantsColor(options: { readonly choice: ColorChoice; readonly env: NodeJS.ProcessEnv; readonly isTty: boolean }): boolean {
  const { choice, env, isTty } = options;
  if (choice !== "auto") return choice === "always";
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  if (!["", "0", "false"].includes(env["FORCE_COLOR"] ?? "")) return true;
  return isTty && env["TERM"] !== "dumb";
}

/** Text that can do nothing to a screen: control characters become their escapes. */
export function toPrintable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
