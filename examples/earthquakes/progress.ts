/** Where the example says what it is doing: one line that is drawn over itself on a screen, plain lines in a pipe. */
export interface Progress {
  /** A step begins: its line ends the one before. */
  step(text: string): void;
  /** What the step has reached; only the last one of a step stays, and a pipe gets only that. */
  update(text: string): void;
  end(): void;
}

export function createProgress(stream: NodeJS.WriteStream): Progress {
  let title = "";
  let state = "";
  const draw = (): void => void stream.write(`\r\u001b[2K${`${title}  ${state}`.slice(0, (stream.columns || 80) - 1)}`);
  const end = (): void => {
    if (title === "") return;
    if (stream.isTTY) stream.write("\n");
    else stream.write(`${title}${state === "" ? "" : `  ${state}`}\n`);
    title = state = "";
  };
  return {
    step(text) {
      end();
      title = text;
      if (stream.isTTY) draw();
    },
    update(text) {
      state = text;
      if (stream.isTTY) draw();
    },
    end,
  };
}
