/** A fenced block of a page, with what its first line says about it. */
export interface Snippet {
  readonly line: number;
  readonly text: string;
  readonly kind:
    | { readonly kind: "file"; readonly name: string }
    /** `server`: starts Mainstem and leaves it running; `stop`: ends it as Ctrl-C does. */
    | { readonly kind: "server" | "stop" }
    /** `run`, with the exit code that it must have; `eventually`: until the output is what the next block says. */
    | { readonly kind: "run"; readonly exitCode: number; readonly eventually: boolean }
    /** What the block before prints. `varies` are words that are others in each run, such as ids and times; later blocks may use them. */
    | { readonly kind: "output"; readonly varies: readonly string[] }
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

/** Whether the output is the one that is shown, and which words stand in it for those that vary. */
export function matchOutput(
  actual: string,
  { shown, varies }: { readonly shown: string; readonly varies: readonly string[] },
): ReadonlyMap<string, string> | undefined {
  if (varies.length === 0) return actual.trimEnd() === shown.trimEnd() ? new Map() : undefined;
  // Tables are as wide as what stands in them.
  const words = (text: string): string => text.trimEnd().replace(/ +/g, " ").replace(/-{3,}/g, "---");
  const order: string[] = [];
  const pattern = words(shown).replace(new RegExp(`${varies.map((word) => RegExp.escape(word)).join("|")}|[^\\w\\s]`, "g"), (part) => {
    if (!varies.includes(part)) return RegExp.escape(part);
    order.push(part);
    return "(\\S+?)";
  });
  const match = new RegExp(`^${pattern}$`).exec(words(actual));
  return match === null ? undefined : new Map(order.map((word, index) => [word, match[index + 1] ?? ""]));
}

function parseKind(label: string, { words, line }: { readonly words: readonly string[]; readonly line: number }): Snippet["kind"] {
  switch (label) {
    case "server":
    case "stop":
    case "elsewhere":
      return { kind: label };
    case "output":
      return { kind: "output", varies: valueOf(words, "varies")?.split(",") ?? [] };
    case "run":
      return { kind: "run", exitCode: Number(valueOf(words, "exit") ?? 0), eventually: words.includes("eventually") };
    default:
      if (/^[\w-]+(\/[\w-]+)?(\.\w+)+$/.test(label)) return { kind: "file", name: label };
      throw new Error(`The block in line ${line} has the label ${JSON.stringify(label)}: it is a file's name, server, stop, run, output or elsewhere.`);
  }
}

function valueOf(words: readonly string[], name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}
