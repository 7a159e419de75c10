/**
 * Source text of functions under construction. What comes from a contract enters it only as a literal (`literal`) or as a constant that is passed
 * in by reference (`constant`): never as code.
 */
export class Source {
  readonly #constants = new Map<unknown, string>();
  readonly #lines: string[] = [];
  #next = 0;

  /** A name that nothing else has. */
  name(hint: string): string {
    return `${hint}${this.#next++}`;
  }

  /** The name of a value that the code may use. */
  constant(value: unknown, hint = "k"): string {
    let name = this.#constants.get(value);
    if (name === undefined) this.#constants.set(value, (name = this.name(hint)));
    return name;
  }

  /** Adds a function and gives its name. */
  define(hint: string, parameters: string, body: string): string {
    const name = this.name(hint);
    this.#lines.push(`function ${name}(${parameters}) {\n${body}\n}`);
    return name;
  }

  /** Adds a variable that all functions share, and gives its name. */
  variable(hint: string, value: number): string {
    const name = this.name(hint);
    this.#lines.push(`let ${name} = ${value};`);
    return name;
  }

  /** Makes the functions and gives the one of that name. Throws where the platform refuses generated code. */
  build(entry: string): unknown {
    const names = [...this.#constants.values()];
    const text = `"use strict";\n${this.#lines.join("\n")}\nreturn ${entry};`;
    // oxlint-disable-next-line typescript/no-implied-eval -- what this file is for; see docs/decisions/020-generated-code.md
    const make = new Function(...names, text) as (...values: readonly unknown[]) => unknown;
    return make(...this.#constants.keys());
  }
}

/** A text as a literal of the language. */
export function literal(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** Whether this platform makes functions from text: a content security policy or a flag of Node may forbid it. */
export function canGenerate(): boolean {
  try {
    return new Source().build("1") === 1;
  } catch {
    return false;
  }
}
