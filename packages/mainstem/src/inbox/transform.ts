import { Environment, type ASTNode } from "@marcbachmann/cel-js";
import { matchedLengthMax, patternFault } from "@mainstem/contract";
import { assert } from "../runtime/assert.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { WaitingEntry } from "./entries.ts";

/** Bounds of an expression, and with it of what one evaluation takes. Loops within one another multiply the lengths of the record's lists. */
const limits = { maxAstNodes: 2_000, maxDepth: 64, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 16 };
const expressionCharactersMax = 20_000;
/** Judging one may take a second. */
const patternsMax = 16;
/** What all searches for one record may take together; that under way is finished, and takes a second or so itself at worst. */
const searchMsMax = 1_000;

/** What a transform is told of an entry beside its record. */
export type RefusedEntry = Pick<WaitingEntry, "id" | "from" | "code" | "errors" | "contractVersion" | "time">;

/**
 * What the module of `mainstem inbox preview|retry NAME --transform-file FILE` exports by default: it gives the mended record, or a promise of it, and
 * is called for one entry after the other. What it throws fails its entry alone; for undefined the entry stays as it is.
 * Whole numbers of the record beyond 2^53 are bigints, and those that it gives may be. `Refused` is what the refused records look like, on your word:
 * an original may be any JSON.
 */
export type InboxTransform<Refused = Record<string, unknown>> = (record: Refused, entry: RefusedEntry) => unknown;

/** Makes a mended record of one that was refused. Throws `inbox.transformFailed` with the reason, for this record alone. */
export type Transform = (record: unknown) => unknown;

/**
 * Compiles an expression of the Common Expression Language whose value is the mended record. It sees the refused one as `record`, with whole numbers
 * as `int`, and beside CEL's own functions `merge(record, {…})`, `without(record, ["a"])` and `rename(record, "from", "to")`; of a text
 * `replace("old", "new")`, all of them, as CEL's extension for strings has it. The pattern of `matches` is a literal, in JavaScript's syntax with
 * the flag u, and bounded as that of a contract's check.
 * Throws `inbox.transformInvalid` where it cannot be parsed or its types are wrong. Sources: github.com/google/cel-spec, cel-go's `ext/strings`.
 */
export function compileTransform(expression: string): Transform {
  if (expression.length > expressionCharactersMax)
    throw new MainstemError("inbox.transformInvalid", `The expression has more than ${expressionCharactersMax} characters.`);
  try {
    const searches = new Searches();
    const parse = () => environment(searches).parse(expression);
    const { valid, error } = parse().check();
    if (!valid) throw error;
    const parsed = parse();
    searches.take(parsed.ast);
    return (record) => {
      searches.begin();
      try {
        return parsed({ record });
      } catch (cause) {
        throw new MainstemError("inbox.transformFailed", sentenceOf(cause), {}, { cause });
      }
    };
  } catch (cause) {
    throw new MainstemError("inbox.transformInvalid", `The expression is not valid CEL: ${sentenceOf(cause)}`, {}, { cause });
  }
}

/** A value parsed from JSON as CEL takes it: whole numbers exact, as bigints. Throws a SyntaxError. */
export function parseForTransform(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" && context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value,
  );
}

/** A function of ours in place of CEL's own `matches`, whose patterns may take for ever and which cannot be registered again. */
const boundedMatches = "matches_bounded";

/** The calls of `matches` in an expression, made such that they end. */
class Searches {
  readonly #patterns = new Map<string, { readonly pattern: RegExp; readonly charactersMax: number }>();
  #ms = 0;

  /** Makes each call in the expression one that is bounded. Throws where its pattern is no literal, or may take too long. */
  take(node: unknown): void {
    if (Array.isArray(node)) return node.forEach((one) => this.take(one));
    if (typeof node !== "object" || node === null || !("op" in node)) return;
    const { op, args } = node as ASTNode;
    if (op === "rcall" && args[0] === boundedMatches) throw new Error("There is no such function; it is called matches.");
    if (op === "rcall" && args[0] === "matches") {
      this.#add(args[2][0]);
      args[0] = boundedMatches;
    }
    this.take(args);
  }

  /** What comes is of the next record. */
  begin(): void {
    this.#ms = 0;
  }

  find(text: string, source: string): boolean {
    const search = this.#patterns.get(source);
    assert(search !== undefined, "the patterns of an expression are known before it is evaluated");
    const { pattern, charactersMax } = search;
    if (text.length > charactersMax) throw new Error(`matches: a text of ${text.length} characters is too long for this pattern, which takes ${charactersMax}`);
    if (this.#ms > searchMsMax) throw new Error(`matches: the searches in this record take more than ${searchMsMax} ms together`);
    const since = performance.now();
    const found = pattern.test(text);
    this.#ms += performance.now() - since;
    return found;
  }

  #add(argument: ASTNode | undefined): void {
    const source = argument?.op === "value" ? argument.args : undefined;
    if (typeof source !== "string") throw new Error("The pattern of matches must be written out, as one text in quotes.");
    if (this.#patterns.size === patternsMax && !this.#patterns.has(source)) throw new Error(`There may be ${patternsMax} patterns in one expression.`);
    const fault = patternFault(source);
    if (fault !== undefined) throw new Error(fault);
    this.#patterns.set(source, { pattern: new RegExp(source, "u"), charactersMax: matchedLengthMax(source) });
  }
}

type Fields = Readonly<Record<string, unknown>>;

function environment(searches: Searches): Environment {
  return new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true, limits })
    .registerVariable("record", "dyn")
    .registerFunction("merge(dyn, dyn): dyn", (record: unknown, changes: unknown) => ({ ...fieldsOf(record), ...fieldsOf(changes) }))
    .registerFunction("without(dyn, list): dyn", (record: unknown, names: readonly unknown[]) =>
      Object.fromEntries(Object.entries(fieldsOf(record)).filter(([name]) => !names.includes(name))),
    )
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) => text.replaceAll(from, () => to))
    .registerFunction(`string.${boundedMatches}(string): bool`, (text: string, source: string) => searches.find(text, source))
    .registerFunction("rename(dyn, string, string): dyn", (record: unknown, from: string, to: string) =>
      Object.fromEntries(Object.entries(fieldsOf(record)).map(([name, value]) => [name === from ? to : name, value])),
    );
}

function fieldsOf(value: unknown): Fields {
  if (value instanceof Map) return Object.fromEntries(value) as Fields;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error("it is no record");
}

function sentenceOf(error: unknown): string {
  // The library draws the place below the first line.
  const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
  return sentence.replaceAll(boundedMatches, "matches").slice(0, 500);
}
