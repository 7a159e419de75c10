import { once } from "node:events";
import { styleText } from "node:util";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Where a command writes. Results go to standard output, everything that is said about them to standard error. */
export interface Terminal {
  /** Columns of the screen; undefined where output is no screen, so that nothing is cut in a pipe. */
  readonly width: number | undefined;
  /** Whether a line of progress may be drawn over itself. */
  readonly live: boolean;
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
  const live = stderr.isTTY && !options.quiet;
  let drawn = false;
  const clear = (): void => {
    if (drawn) stderr.write("\r\u001b[2K");
    drawn = false;
  };
  return {
    width: stdout.isTTY ? stdout.columns : undefined,
    live,
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
      if (!live) return;
      clear();
      if (text === "") return;
      stderr.write(text.slice(0, (stderr.columns || 80) - 1));
      drawn = true;
    },
    style: (style, text) => (options.color ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** Whether colours are wanted: not with `--no-color`, `NO_COLOR`, in a pipe or on a screen without them. */
export function wantsColor(options: { readonly flag: boolean; readonly env: NodeJS.ProcessEnv; readonly isTty: boolean }): boolean {
  const { flag, env, isTty } = options;
  return flag && isTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** Text that can do nothing to a screen: control characters become their escapes. */
export function toPrintable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
