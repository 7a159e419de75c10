import type { FileSystem } from "../../packages/mainstem/src/log/embedded/file-system.ts";
import { summaryKeys, type IcebergTables, type TableState } from "../../packages/mainstem/src/iceberg/index.ts";
import type { Instant } from "../../packages/mainstem/src/log/index.ts";
import type { StateStore } from "../../packages/mainstem/src/state/index.ts";
import type { Variant } from "./world.ts";

/** What somebody could get wrong, each a change of a few lines; what the simulation must say of it; and a seed from which that does not take long. */
export const brokenVariants: readonly { readonly what: string; readonly variant: Variant; readonly found: RegExp; readonly from: number }[] = [
  { what: "answers before the disk has it", variant: { disk: withoutSyncs }, found: /was acknowledged or read, and is not in the log|is damaged/, from: 1 },
  {
    what: "publishes a table before its position is kept",
    variant: { breakTables: (tables, state) => withPositionApart(tables, state) },
    found: /is twice in the table/,
    from: 15,
  },
  {
    what: "puts a chain entry whether there is one or not",
    variant: { objects: (store) => ({ ...store, put: (key, body, { signal } = {}) => store.put(key, body, { signal }) }) },
    found: /chain of partition|the archive of partition/,
    from: 1,
  },
  { what: "moves a table's pointer without comparing", variant: { state: withoutComparing }, found: /in the table|published stays/, from: 4 },
  {
    what: "says to be complete a second too early",
    variant: {
      breakArchiver: (archiver) => ({
        ...bound(archiver),
        progress: () =>
          archiver.progress().map((one) => ({ ...one, ...(one.completeThrough === undefined ? {} : { completeThrough: one.completeThrough + 1_000 }) })),
      }),
    },
    found: /said (at|to)/,
    from: 1,
  },
  {
    what: "takes the wall clock's word for up to when it is complete",
    variant: { log: (log, now) => ({ ...bound(log), settled: async (of, waits) => ({ ...(await log.bounds(of, waits)), asOf: now() as Instant }) }) },
    found: /said (at|to)/,
    from: 1,
  },
];

function withoutSyncs(disk: FileSystem): FileSystem {
  return {
    ...bound(disk),
    open: async (path, mode) => ({ ...(await disk.open(path, mode)), sync: () => Promise.resolve() }),
  };
}

/** As if the position were a row of the state beside the table, and not in the snapshot itself. */
function withPositionApart(tables: IcebergTables, { pointers }: StateStore): IcebergTables {
  const name = (dataset: string): string => `position/${dataset}`;
  const withPosition = async (dataset: string, state: TableState): Promise<TableState> => {
    const position = await pointers.get(name(dataset));
    const { current } = state;
    if (current === undefined) return state;
    const { [summaryKeys.checkpoint]: _, ...summary } = current.summary;
    const moved = { ...current, summary: position === undefined ? summary : { ...summary, [summaryKeys.checkpoint]: position.value } };
    return { ...state, current: moved, snapshots: state.snapshots.map((one) => (one.id === current.id ? moved : one)) };
  };
  return {
    ...bound(tables),
    branches: tables.branches,
    load: async (dataset) => {
      const state = await tables.load(dataset);
      return state === undefined ? undefined : withPosition(dataset, state);
    },
    commit: async (dataset, change) => {
      const commit = await tables.commit(dataset, change);
      if (commit.kind === "conflict") return commit;
      const before = await pointers.get(name(dataset));
      await pointers.swap(name(dataset), { expected: before?.version ?? "absent", value: change.summary[summaryKeys.checkpoint]! });
      return commit;
    },
  };
}

function withoutComparing(state: StateStore): StateStore {
  const { pointers } = state;
  return {
    ...state,
    pointers: {
      ...pointers,
      swap: async (name, change) => pointers.swap(name, { ...change, expected: (await pointers.get(name))?.version ?? "absent" }),
    },
  };
}

/** The methods of an object of a class, to be spread. */
function bound<T extends object>(of: T): T {
  const methods: Record<string | symbol, unknown> = {};
  for (let level: object = of; level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const key of Reflect.ownKeys(level)) {
      const value: unknown = Reflect.get(of, key);
      methods[key] ??= typeof value === "function" ? value.bind(of) : value;
    }
  }
  return methods as T;
}
