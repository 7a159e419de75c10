/** A fenced block of a page, with what its first line says about it. */
export interface Snippet {
  readonly line: number;
  readonly text: string;
  readonly kind:
    | { readonly kind: "file"; readonly name: string }
    /** `server`: starts Mainstem and leaves it running. */
    | { readonly kind: "server" }
    /** `run`, with the exit code that it must have; `eventually`: until the output is what the next block says. */
    | { readonly kind: "run"; readonly exitCode: number; readonly eventually: boolean }
    | { readonly kind: "output" }
    /** `elsewhere`: another test runs it. */
    | { readonly kind: "elsewhere" };
}

/** The fenced blocks of a page, in order. A block in a language that does not say what it is fails: no snippet may go untried. A block without a language only shows. */
export function parseSnippets(markdown: string): readonly Snippet[] {
  return [...markdown.matchAll(/^```(?<info>.*)\n(?<text>[\s\S]*?)^```$/gm)].flatMap((match) => {
    const line = markdown.slice(0, match.index).split("\n").length;
    const [language = "", label = "", ...words] = (match.groups?.["info"] ?? "").trim().split(/\s+/);
    return language === "" ? [] : [{ line, text: match.groups?.["text"] ?? "", kind: parseKind(label, { words, line }) }];
  });
}

function parseKind(label: string, { words, line }: { readonly words: readonly string[]; readonly line: number }): Snippet["kind"] {
  switch (label) {
    case "server":
    case "output":
    case "elsewhere":
      return { kind: label };
    case "run": {
      const exit = words.find((word) => word.startsWith("exit="));
      return { kind: "run", exitCode: exit === undefined ? 0 : Number(exit.slice("exit=".length)), eventually: words.includes("eventually") };
    }
    default:
      if (/^[\w-]+\.\w+$/.test(label)) return { kind: "file", name: label };
      throw new Error(`The block in line ${line} has the label ${JSON.stringify(label)}: it is a file's name, server, run, output or elsewhere.`);
  }
}
