import { CodedError, noFieldChanges, parseContract, type AvroField, type Contract, type FieldChanges, type RefusedChange } from "@mainstem/contract";
import type { Log } from "../log/index.ts";
import type { Dataset, NewDataset, Registry } from "../registry/index.ts";
import { unreachable } from "../runtime/assert.ts";
import { describePredecessor, describeSuccession, type Succession } from "./succession.ts";
import type { PlatformView } from "./view.ts";

export interface PlanRooms {
  readonly registry: Registry;
  readonly log: Log;
  readonly view: PlatformView;
}

/** What applying one declaration would do, and to whom. */
export interface Plan {
  readonly name: string;
  /** `invalid`: it is no contract. `refused`: it is one, and cannot follow the one in force. */
  readonly kind: "created" | "changed" | "unchanged" | "refused" | "invalid";
  /** Whether it can be applied, and every record that is there stays readable. */
  readonly compatible: boolean;
  /** Why not, each with what to do. */
  readonly refused: readonly RefusedChange[];
  /** Of the contract in force. */
  readonly version?: number;
  readonly changes?: readonly string[];
  /** Of a contract that changes, what becomes of its top-level fields: producers, consumers and queries that name them are concerned. */
  readonly fields?: FieldChanges;
  /** What of it is applied only with consent to a rebuild, such as `order`. */
  readonly consent?: readonly string[];
  /** Who answers for the dataset, now and next. */
  readonly owner?: { readonly now: string | null; readonly next: string | null };
  readonly topic?: "created" | "unchanged";
  /** Chunks never change: older ones are read with the new fields' defaults and the renamed fields' earlier names. */
  readonly archive?: "created" | "unchanged";
  readonly table?: TablePlan;
  readonly consumers?: readonly ConsumerPlan[];
  /** Groups beyond the first `consumersMax`. */
  readonly consumersLeftOut?: number;
  /** What comes before and after it, and who has moved: absent where nothing does. */
  readonly predecessor?: Succession["predecessor"];
  readonly successor?: Succession["successor"];
}

export interface TablePlan {
  /** `rebuild`: it follows older rules until it was built again from the archive and swapped in; the rest is said as of then. */
  readonly effect: "created" | "unchanged" | "metadata" | "rewrite" | "rebuild";
  /** What of the contract needs the rebuild, such as `order`; also what an earlier change left to be done. */
  readonly rebuilt?: readonly string[];
  /** Of the current snapshot, what the next build or the rebuild writes again. */
  readonly rewritten: { readonly files: number; readonly rows: number; readonly bytes: number };
  /** New columns that the rows that are there get a value in, and which. */
  readonly filled: Readonly<Record<string, unknown>>;
  /** New columns that are null in the rows that are there. */
  readonly null: readonly string[];
}

export interface ConsumerPlan {
  readonly group: string;
  /** A task of the platform, not an application. */
  readonly platform: boolean;
  /** Records that it has not read yet, written with schemas so far. */
  readonly lag: number;
}

const consumersMax = 1_000;
const nothing = { files: 0, rows: 0, bytes: 0 } as const;
const none = { rewritten: nothing, filled: {}, null: [] } as const;

/**
 * Says what applying declarations one after the other would do now, or once the datasets in `before` have been made. Judged by the registry; changes
 * nothing: to a declaration those before it are there if they are new, and what would become of others makes no difference to it.
 */
export async function planDeclarations(
  specs: readonly unknown[],
  { before, ...rooms }: PlanRooms & { readonly before: readonly NewDataset[] },
): Promise<readonly Plan[]> {
  const created = [...before];
  const plans: Plan[] = [];
  for (const spec of specs) {
    const contract = readContract(spec);
    if ("kind" in contract) {
      plans.push(contract);
      continue;
    }
    const plan = await planContract(contract, created, rooms);
    if (plan.kind === "created") created.push(contract);
    plans.push(plan);
  }
  return plans;
}

async function planContract(contract: Contract, created: readonly NewDataset[], rooms: PlanRooms): Promise<Plan> {
  const judgement = await rooms.registry.judge(contract, created);
  switch (judgement.kind) {
    case "created":
      return { ...(await describeNew(contract, rooms)), topic: "created", archive: "created", table: { effect: "created", ...none }, consumers: [] };
    case "refused": {
      const described = judgement.dataset === undefined ? await describeNew(contract, rooms) : await describe(contract, judgement.dataset, rooms);
      return { ...described, kind: "refused", compatible: false, refused: judgement.refused };
    }
    case "unchanged":
    case "changed": {
      const changed = judgement.kind === "changed" ? judgement : undefined;
      const rebuilt = await rooms.view.rebuilds.pending(contract.name, changed === undefined ? undefined : contract);
      return {
        ...(await describe(contract, judgement.dataset, rooms)),
        kind: judgement.kind,
        ...(changed === undefined ? {} : { changes: changed.changes, fields: changed.fields }),
        ...(changed?.rebuilt === undefined ? {} : { consent: changed.rebuilt }),
        topic: "unchanged",
        archive: "unchanged",
        table: await planTable(contract, { fields: changed?.fields ?? noFieldChanges, rebuilt }, rooms),
      };
    }
    default:
      return unreachable(judgement);
  }
}

function readContract(json: unknown): Contract | Plan {
  try {
    return parseContract(json);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const name = error.facts["dataset"];
    const issues = (error.facts["issues"] ?? []) as readonly { readonly path: string; readonly message: string }[];
    const refused = issues.map(({ path, message }) => ({ path, reason: message, remedy: "" }));
    return { name: typeof name === "string" ? name : "", kind: "invalid", compatible: false, refused };
  }
}

async function describeNew(contract: Contract, rooms: PlanRooms): Promise<Plan> {
  const { name, owner = null } = contract;
  const predecessor = await describePredecessor(contract, rooms);
  const before = predecessor === null ? {} : { predecessor };
  return { name, kind: "created", compatible: true, refused: [], owner: { now: null, next: owner }, ...before };
}

async function describe(contract: Contract, dataset: Dataset, rooms: PlanRooms): Promise<Plan> {
  const owner = { now: dataset.contract.owner ?? null, next: contract.owner ?? null };
  const { predecessor, successor } = await describeSuccession(dataset, rooms);
  return {
    name: contract.name,
    kind: "unchanged",
    compatible: true,
    refused: [],
    version: dataset.version,
    owner,
    ...(await findConsumers(rooms.log, dataset)),
    ...(predecessor === null ? {} : { predecessor }),
    ...(successor === null ? {} : { successor }),
  };
}

async function findConsumers(log: Log, { topics: { records } }: Dataset): Promise<Pick<Plan, "consumers" | "consumersLeftOut">> {
  const consumers: ConsumerPlan[] = [];
  for await (const { group, positions } of log.groups()) {
    const own = positions.filter(({ topicId }) => topicId === records.id);
    if (own.length === 0) continue;
    const lags = await Promise.all(own.map(async ({ offset, ...of }) => Math.max(0, (await log.bounds(of)).end - offset)));
    consumers.push({ group, platform: group.startsWith("mainstem."), lag: lags.reduce((sum, lag) => sum + lag, 0) });
  }
  consumers.sort((a, b) => (a.group < b.group ? -1 : 1));
  const leftOut = consumers.length - consumersMax;
  return { consumers: consumers.slice(0, consumersMax), ...(leftOut > 0 ? { consumersLeftOut: leftOut } : {}) };
}

/**
 * Columns that are renamed, widened or removed, or added with null, are metadata; with any other default, every file that is there lacks the column
 * and is written again by the next build.
 * A rebuild makes every row again, by the new rules.
 */
async function planTable(
  { name, schema }: Contract,
  { fields: changed, rebuilt }: { readonly fields: FieldChanges; readonly rebuilt: readonly string[] },
  { view }: PlanRooms,
): Promise<TablePlan> {
  const fields = schema.fields.filter((field) => changed.added.includes(field.name));
  const [empty, filled] = [fields.filter(isNull), fields.filter((field) => !isNull(field))];
  const columns = { filled: Object.fromEntries(filled.map((field) => [field.name, field.default])), null: empty.map((field) => field.name) };
  const there = await sizeOf(name, view);
  if (rebuilt.length > 0) return { effect: "rebuild", rebuilt, rewritten: there, ...columns };
  if (filled.length > 0 && there.files > 0) return { effect: "rewrite", rewritten: there, ...columns };
  return { effect: Object.values(changed).some((list) => list.length > 0) ? "metadata" : "unchanged", rewritten: nothing, ...columns };
}

export async function sizeOf(dataset: string, view: PlatformView): Promise<TablePlan["rewritten"]> {
  const snapshot = (await view.status(dataset)).table?.snapshot;
  const count = (key: string): number => Number(snapshot?.summary[key] ?? 0);
  return { files: count("total-data-files"), rows: snapshot?.rows ?? 0, bytes: count("total-files-size") };
}

function isNull(field: AvroField): boolean {
  return field.default === null;
}
