import type { AST } from "@eslint-community/regexpp";
import { RegExpParser } from "@eslint-community/regexpp";
import { unreachable } from "../unreachable.ts";

/**
 * A pattern as a backtracking search goes through it: a state for each of its characters (Glushkov's construction), and state 0, which stands before a match
 * and reads anything, as the search may begin anywhere.
 *
 * A path through the automaton is a way of the search, so what reads one text in many paths is tried as often. There are at least as many paths as ways:
 * word boundaries are left out; `^` and `$` are characters of their own before and behind the text; what a lookahead matches is a path that ends there; what
 * a lookbehind matches is the same of any characters; a backreference repeats anything; and a repetition that is bounded, but too long to be written out,
 * is one without a bound.
 */
export interface PatternAutomaton {
  /** What each state reads, as a set of bits: states whose sets meet can read one character. */
  readonly sets: readonly bigint[];
  /** From each state those that may come next, with the number of ways there. */
  readonly follow: readonly ReadonlyMap<number, number>[];
  /** The most ways in which a part matches the empty text. Ways that the search gives up at once count too. */
  readonly emptyWays: number;
}

/** Work on one pattern, counted. Beyond it a pattern is too involved. */
export class Budget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** False as soon as the budget is used up. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }
}

/** Repetitions of at most so many states together are written out: `\d{1,3}` is one to three digits, and not any number. */
const copiesMax = 100;
const statesMax = 2_000;
/** Larger numbers of ways are all the same: far too many. */
const waysMax = 1e15;

/** A part of the pattern: the ways in which it matches the empty text, and those into it and out of it. */
interface Part {
  readonly empty: number;
  readonly first: ReadonlyMap<number, number>;
  readonly last: ReadonlyMap<number, number>;
}

/** Where in the pattern a part stands, as far as it changes what the part means. */
interface Setting {
  readonly wrap: (raw: string) => string;
  readonly modified: boolean;
  readonly behind: boolean;
}

const nothing: Part = { empty: 1, first: new Map(), last: new Map() };

/** The automaton of a pattern that is right with the flag u; undefined where the budget does not last. */
export function toAutomaton(pattern: string, budget: Budget): PatternAutomaton | undefined {
  const ast = new RegExpParser({ ecmaVersion: 2025 }).parsePattern(pattern, 0, pattern.length, true);
  const builder = new Builder(budget);
  const { first } = builder.choice(ast.alternatives, { wrap: (raw) => `(?:${raw})`, modified: false, behind: false });
  builder.join(new Map([[0, 1]]), first);
  const sets = builder.finish();
  return sets === undefined ? undefined : { sets, follow: builder.follow, emptyWays: builder.emptyWays };
}

/** What a state reads that is no set of characters of the pattern. */
const readers = { anything: 0, start: 1, end: 2 } as const;

class Builder {
  readonly follow: Map<number, number>[] = [new Map([[0, 1]])];
  emptyWays = 1;
  /** The sets of characters, as text, with their numbers. */
  readonly #sets = new Map<string, number>();
  /** The number of what each state reads. */
  readonly #reads: number[] = [readers.anything];
  /** Code points at which a set of the pattern begins or ends: what lies between two of them is in the same sets. */
  readonly #borders = new Set(escapeBorders);
  readonly #budget: Budget;
  #lasts = true;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  choice(alternatives: readonly AST.Alternative[], setting: Setting): Part {
    const parts = alternatives.map(({ elements }) =>
      elements.map((element) => this.#part(element, setting)).reduce((left, right) => this.#then(left, right), nothing),
    );
    return {
      empty: this.#countEmpty(parts.reduce((sum, { empty }) => sum + empty, 0)),
      first: union(parts.map(({ first }) => [first, 1])),
      last: union(parts.map(({ last }) => [last, 1])),
    };
  }

  join(last: ReadonlyMap<number, number>, first: ReadonlyMap<number, number>, times = 1): void {
    if (!this.#spend(last.size * first.size)) return;
    for (const [from, out] of last) {
      const next = this.follow[from] as Map<number, number>;
      for (const [to, into] of first) next.set(to, (next.get(to) ?? 0) + Math.min(out * into * times, waysMax));
    }
  }

  finish(): readonly bigint[] | undefined {
    const borders = [...this.#borders].filter((point) => point <= 0x10ffff);
    const tests = [...this.#sets.keys()].map((text) => new RegExp(`^${text}$`, "u"));
    if (!this.#spend(borders.length * tests.length)) return undefined;
    const groups = new Set(borders.map((point) => tests.map((one) => (one.test(String.fromCodePoint(point)) ? 1 : 0)).join("")));
    const bits = tests.map((_, index) => BigInt(`0b0${[...groups].map((group) => group[index]).join("")}`));
    const all = (1n << BigInt(groups.size)) - 1n;
    // Anything is the start too, which the search may pass, but not the end: behind it there is nothing to read.
    const special = [all | (1n << BigInt(groups.size)), 1n << BigInt(groups.size), 1n << BigInt(groups.size + 1)];
    return this.#reads.map((read) => [...special, ...bits][read] as bigint);
  }

  #part(node: AST.Element, setting: Setting): Part {
    if (!this.#spend(1)) return nothing;
    switch (node.type) {
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
        return this.#state(setting.behind ? readers.anything : this.#setOf(node, setting));
      case "Group":
        return this.choice(node.alternatives, node.modifiers === null ? setting : modify(setting, node.modifiers.raw));
      case "CapturingGroup":
        return this.choice(node.alternatives, setting);
      case "Quantifier":
        return this.#repeat(node, setting);
      case "Backreference": {
        const any = this.#state(readers.anything);
        this.join(any.last, any.first);
        return { ...any, empty: 1 };
      }
      case "Assertion":
        if (node.kind === "lookahead" || node.kind === "lookbehind")
          return { ...nothing, first: this.choice(node.alternatives, { ...setting, behind: setting.behind || node.kind === "lookbehind" }).first };
        return node.kind === "word" || setting.behind || setting.modified ? nothing : this.#state(readers[node.kind]);
      case "ExpressionCharacterClass":
        throw new Error("Only patterns with the flag v have such classes.");
      default:
        return unreachable(node);
    }
  }

  #then(left: Part, right: Part): Part {
    this.join(left.last, right.first);
    return {
      empty: this.#countEmpty(left.empty * right.empty),
      first: union([
        [left.first, 1],
        [right.first, left.empty],
      ]),
      last: union([
        [right.last, 1],
        [left.last, right.empty],
      ]),
    };
  }

  #repeat({ element, min, max }: AST.Quantifier, setting: Setting): Part {
    const before = this.follow.length;
    const one = this.#part(element, setting);
    const size = this.follow.length - before;
    if (max === 0) return nothing;
    // The search takes no further turn that is empty, once it has taken as many as it must.
    if (size === 0) return { ...nothing, empty: min === 0 ? 1 : this.#countEmpty(one.empty ** min) };
    if (max === 1) return min === 1 ? one : { ...one, empty: 1 };
    if (size * max <= copiesMax) return this.#copies({ one, min, max }, () => this.#part(element, setting));
    // Turns that must be taken and may be empty can be told from others in many ways.
    this.join(one.last, one.first, min > 1 && one.empty > 0 ? 2 : 1);
    return { empty: min === 0 ? 1 : one.empty, first: union([[one.first, min === 0 ? 1 : 1 + one.empty]]), last: one.last };
  }

  /** `a{2,4}` as `aa(a(a)?)?`. */
  #copies({ one, min, max }: { readonly one: Part; readonly min: number; readonly max: number }, another: () => Part): Part {
    const parts = [one, ...Array.from({ length: max - 1 }, another)];
    const optional = parts.slice(min).reduceRight<Part>((rest, part) => ({ ...this.#then(part, rest), empty: 1 }), nothing);
    return parts.slice(0, min).reduceRight((rest, part) => this.#then(part, rest), optional);
  }

  #state(reads: number): Part {
    const state = this.follow.length;
    this.follow.push(new Map());
    this.#reads.push(reads);
    this.#lasts &&= state < statesMax;
    const ways = new Map([[state, 1]]);
    return { empty: 0, first: ways, last: ways };
  }

  #setOf(node: AST.Character | AST.CharacterSet | AST.CharacterClass, { wrap, modified }: Setting): number {
    const text = wrap(node.raw);
    const known = this.#sets.get(text);
    if (known !== undefined) return known;
    const number = Object.keys(readers).length + this.#sets.size;
    this.#sets.set(text, number);
    const scanned = modified || /\\p/i.test(node.raw);
    if (scanned && !this.#spend(1_000_000)) return number;
    for (const border of scanned ? scanBorders(text) : literalBorders(node)) this.#borders.add(border);
    return number;
  }

  #countEmpty(ways: number): number {
    this.emptyWays = Math.min(Math.max(this.emptyWays, ways), waysMax);
    return Math.min(ways, waysMax);
  }

  #spend(steps: number): boolean {
    this.#lasts &&= this.#budget.spend(steps);
    return this.#lasts;
  }
}

function union(parts: readonly (readonly [ways: ReadonlyMap<number, number>, times: number])[]): ReadonlyMap<number, number> {
  const sum = new Map<number, number>();
  for (const [ways, times] of parts) {
    if (times === 0) continue;
    for (const [state, count] of ways) sum.set(state, Math.min((sum.get(state) ?? 0) + count * times, waysMax));
  }
  return sum;
}

function modify(setting: Setting, modifiers: string): Setting {
  return { ...setting, wrap: (raw) => setting.wrap(`(?${modifiers}:${raw})`), modified: true };
}

/** Where `.`, `\d`, `\w` and `\s` begin and end. */
export const escapeBorders: readonly number[] = [
  0, 0x9, 0xa, 0xb, 0xd, 0xe, 0x20, 0x21, 0x30, 0x3a, 0x41, 0x5b, 0x5f, 0x60, 0x61, 0x7b, 0xa0, 0xa1, 0x1680, 0x1681, 0x2000, 0x200b, 0x2028, 0x202a, 0x202f,
  0x2030, 0x205f, 0x2060, 0x3000, 0x3001, 0xfeff, 0xff00,
];

function literalBorders(node: AST.Character | AST.CharacterSet | AST.CharacterClass): readonly number[] {
  if (node.type === "CharacterSet") return [];
  const members = node.type === "Character" ? [node] : node.elements;
  return members.flatMap((member) =>
    member.type === "Character" ? [member.value, member.value + 1] : member.type === "CharacterClassRange" ? [member.min.value, member.max.value + 1] : [],
  );
}

/** Where a set begins and ends, tried on every code point. */
export function scanBorders(set: string): readonly number[] {
  const one = new RegExp(`^${set}$`, "u");
  const borders: number[] = [];
  let inside = false;
  for (let point = 0; point <= 0x10ffff; point++) {
    if (one.test(String.fromCodePoint(point)) === inside) continue;
    inside = !inside;
    borders.push(point);
  }
  return borders;
}
