import { componentsOf } from "./components.ts";
import type { PatternAutomaton } from "./automaton.ts";
import { Budget, toAutomaton } from "./automaton.ts";

/**
 * What a search costs that goes back and tries another way wherever one fails, as JavaScript's does, at worst, for a text of N characters:
 * `ways` * N^`degree` steps; or 2^N of them; or it cannot be told within bounds.
 */
export type PatternCost =
  | { readonly kind: "polynomial"; readonly degree: number; readonly ways: number }
  | { readonly kind: "exponential" }
  | { readonly kind: "involved" };

/** With more ways than these no text is short enough, so there is no need to count on. */
const waysMax = 1e9;
/** What one part of the work may take: a second at worst. */
const budgetSteps = 1_000_000;

/**
 * Judges a pattern that is right with the flag u by the ways in which its automaton can read one text. The text that is worst for it may be one that it
 * matches at once, so a cost may be too high, never too low but for the number of states, which is a constant.
 * Exponential is what can come back to where it was in two ways with one text; each repetition that can hand over to a later one anywhere in a text adds 1 to
 * the degree. (A. Weber and H. Seidl, On the degree of ambiguity of finite automata, 1991; V. Wüstholz et al., Static Detection of DoS Vulnerabilities in
 * Programs that use Regular Expressions, 2017.)
 */
export function judgePattern(pattern: string): PatternCost {
  const automaton = toAutomaton(pattern, new Budget(20 * budgetSteps));
  if (automaton === undefined) return { kind: "involved" };
  const { follow } = automaton;
  const states = componentsOf(
    [0],
    (state) => [...(follow[state] as ReadonlyMap<number, number>).keys()],
    () => true,
  ) as ReadonlyMap<number, number>;
  const graph = new Graph(automaton, states);
  const exponential = graph.isExponential(new Budget(4 * budgetSteps));
  if (exponential === undefined) return { kind: "involved" };
  if (exponential) return { kind: "exponential" };
  const degree = 1 + graph.longestChain(new Budget(budgetSteps));
  const ways = Math.max(automaton.emptyWays, graph.mostWays(new Budget(4 * budgetSteps)));
  // So many come of repetitions that are bounded: they double with each that is written, as with each character.
  return ways > waysMax ? { kind: "exponential" } : { kind: "polynomial", degree, ways };
}

interface Entry {
  readonly from: number;
  readonly to: number;
  readonly ways: number;
}

/** The automaton by its components: within one a search can go round, from one to the next there is no way back. */
class Graph {
  readonly #sets: readonly bigint[];
  readonly #next: readonly (readonly number[])[];
  /** Those of `#next` that stay in the component. */
  readonly #inner: readonly (readonly number[])[];
  readonly #ways: readonly ReadonlyMap<number, number>[];
  readonly #component: ReadonlyMap<number, number>;
  /** By the numbers of components. */
  readonly #members: number[][] = [];
  readonly #entries: Entry[][] = [];
  /** The components that each can reach, itself too, as bits. */
  readonly #reach: bigint[] = [];

  constructor({ sets, follow }: PatternAutomaton, component: ReadonlyMap<number, number>) {
    this.#sets = sets;
    this.#ways = follow;
    this.#component = component;
    this.#next = follow.map((targets) => [...targets.keys()]);
    this.#inner = this.#next.map((targets, state) => targets.filter((target) => component.get(target) === component.get(state)));
    for (const [state, own] of component) {
      (this.#members[own] ??= []).push(state);
      this.#entries[own] ??= [];
    }
    for (const [from, own] of component)
      for (const [to, ways] of follow[from] as ReadonlyMap<number, number>)
        if (component.get(to) !== own) this.#entries[component.get(to) as number]?.push({ from, to, ways });
    for (const [own, members] of this.#members.entries())
      this.#reach[own] = this.#outOf(members).reduce((bits, target) => bits | (this.#reach[target] as bigint), 1n << BigInt(own));
  }

  /** Whether a component has two ways round for one text; undefined where the budget does not last. */
  isExponential(budget: Budget): boolean | undefined {
    const looping = [...this.#component.keys()].filter((state) => this.#inner[state]?.length !== 0);
    if (looping.some((state) => this.#inner[state]?.some((target) => (this.#ways[state]?.get(target) ?? 0) > 1))) return true;
    const count = this.#sets.length;
    const pairs = componentsOf(
      looping.map((state) => state * count + state),
      (pair) => this.#pairsAfter(pair, this.#inner, budget),
      (steps) => budget.spend(steps),
    );
    if (pairs === undefined || !budget.spend(0)) return undefined;
    const same = new Set(looping.map((state) => pairs.get(state * count + state)));
    return [...pairs].some(([pair, own]) => same.has(own) && Math.floor(pair / count) !== pair % count);
  }

  /** How often one repetition can hand over to another at any place of a text, on one way through the pattern. Without a budget, as often as there is a way. */
  longestChain(budget: Budget): number {
    const longest: number[] = [];
    for (const [own, members] of this.#members.entries()) {
      longest[own] = Math.max(0, ...this.#outOf(members).map((target) => longest[target] as number));
      if (!this.#isLoop(own)) continue;
      const later = [...this.#members.keys()].slice(0, own).filter((other) => this.#isLoop(other) && this.#reaches(own, other));
      for (const other of later.sort((a, b) => (longest[b] as number) - (longest[a] as number))) {
        if ((longest[other] as number) < longest[own]) break;
        if (this.#handsOver(own, other, budget)) longest[own] = (longest[other] as number) + 1;
      }
    }
    return longest[this.#component.get(0) as number] as number;
  }

  /** A bound of the ways to one state with one text, not counting at what places of the text repetitions hand over. */
  mostWays(budget: Budget): number {
    const count = this.#sets.length;
    const reached = componentsOf(
      [0],
      (pair) => this.#pairsAfter(pair, this.#next, budget),
      (steps) => budget.spend(steps),
    );
    const isAll = reached !== undefined && budget.spend(0);
    const together = (one: number, other: number) => !isAll || reached.has(Math.min(one, other) * count + Math.max(one, other));
    const most: number[] = [];
    let greatest = 1;
    for (let own = this.#members.length - 1; own >= 0; own--) {
      const entries = this.#entries[own] as readonly Entry[];
      const late = entries.map(({ from }) => this.#isLoop(own) && (this.#members[own] as number[]).some((state) => together(state, from)));
      const waysOf = ({ from, ways }: Entry) => ways * (most[this.#component.get(from) as number] as number);
      const sums = entries.map((one, index) =>
        entries.reduce((sum, other, at) => {
          const meets = one === other || late[index] || late[at] || (this.#meet(one.to, other.to) && together(one.from, other.from));
          return meets ? sum + waysOf(other) : sum;
        }, 0),
      );
      const ways = sums.length === 0 ? 1 : Math.max(...sums);
      most[own] = ways;
      greatest = Math.max(greatest, ways);
      if (greatest > waysMax) break;
    }
    return greatest;
  }

  /** Whether there are a state in the one component, a state in the other and a text that leads from each back to itself, and from the one to the other. */
  #handsOver(one: number, other: number, budget: Budget): boolean {
    const count = this.#sets.length;
    const [early, late] = [this.#members[one] as readonly number[], this.#members[other] as readonly number[]];
    const triple = (x: number, y: number, z: number) => (x * count + y) * count + z;
    const starts = early.flatMap((x) => late.map((z) => triple(x, x, z)));
    const components = componentsOf(
      starts,
      (node) => {
        const [x, y, z] = [Math.floor(node / count / count), Math.floor(node / count) % count, node % count];
        const targets = y === z && x !== y ? [triple(x, x, z)] : [];
        const between = (this.#next[y] as readonly number[]).filter((state) => this.#reaches(this.#component.get(state) as number, other));
        for (const nextX of this.#inner[x] as readonly number[])
          for (const nextZ of this.#inner[z] as readonly number[]) {
            const shared = (this.#sets[nextX] as bigint) & (this.#sets[nextZ] as bigint);
            if (!budget.spend(1 + (shared === 0n ? 0 : between.length))) return targets;
            if (shared !== 0n) for (const nextY of between) if (((this.#sets[nextY] as bigint) & shared) !== 0n) targets.push(triple(nextX, nextY, nextZ));
          }
        return targets;
      },
      (steps) => budget.spend(steps),
    );
    if (components === undefined || !budget.spend(0)) return true;
    return early.some((x) => late.some((z) => components.get(triple(x, x, z)) === components.get(triple(x, z, z))));
  }

  /** The pairs of states, each the lesser first, to which one character leads from a pair. */
  #pairsAfter(pair: number, next: readonly (readonly number[])[], budget: Budget): readonly number[] {
    const count = this.#sets.length;
    const [one, other] = [Math.floor(pair / count), pair % count];
    const [lefts, rights] = [next[one] as readonly number[], next[other] as readonly number[]];
    if (!budget.spend((lefts.length * rights.length) / (one === other ? 2 : 1))) return [];
    return lefts.flatMap((left, index) =>
      rights
        .slice(one === other ? index : 0)
        .filter((right) => this.#meet(left, right))
        .map((right) => Math.min(left, right) * count + Math.max(left, right)),
    );
  }

  #meet(one: number, other: number): boolean {
    return ((this.#sets[one] as bigint) & (this.#sets[other] as bigint)) !== 0n;
  }

  #isLoop(component: number): boolean {
    return this.#inner[(this.#members[component] as readonly number[])[0] as number]?.length !== 0;
  }

  #reaches(from: number, to: number): boolean {
    return (((this.#reach[from] as bigint) >> BigInt(to)) & 1n) === 1n;
  }

  /** The components that follow those states. */
  #outOf(states: readonly number[]): readonly number[] {
    return [...new Set(states.flatMap((state) => this.#next[state] as readonly number[]).map((target) => this.#component.get(target) as number))].filter(
      (own) => own !== this.#component.get(states[0] as number),
    );
  }
}
