import { join } from "node:path";
import { createHybridClock, isClock, unwrapNullable, type Contract, type Stamped } from "@mainstem/contract";
import { openCounter } from "../spool/counters.ts";

/** Times up to so far ahead are stored before the first of them is given, so that none is given again after a crash. */
const reserveMs = 3_000n;
const reserve = reserveMs << 16n;

/** A record as it is handed over: times of a hybrid logical clock may be left out, the producer stamps them. */
export type Sendable<Input> = {
  [Field in keyof Input as Stamped extends Input[Field] ? never : Field]: Input[Field];
} & { [Field in keyof Input as Stamped extends Input[Field] ? Field : never]?: number | string };

/** Fills in what is left out of a dataset's hybrid logical clocks. */
export interface Stamper extends AsyncDisposable {
  /** The record with its times; undefined when more times have to be stored first. */
  stamp(record: object): object | undefined;
  /** Stores that times up to some seconds ahead may be given. */
  reserve(): Promise<void>;
}

/** Undefined where the contract has no such fields. Without a directory the clock begins at the host's after a restart. */
export async function openStamper(contract: Contract, { directory }: { readonly directory: string | undefined }): Promise<Stamper | undefined> {
  const fields = contract.schema.fields.flatMap(({ name, type }) => {
    const own = unwrapNullable(type);
    return own !== undefined && isClock(own.type) ? [name] : [];
  });
  if (fields.length === 0) return undefined;
  const stored = directory === undefined ? undefined : await openCounter(join(directory, "clock"));
  const clock = createHybridClock({ now: Date.now, random: Math.random, last: stored?.value ?? 0n });
  let storing: Promise<void> | undefined;
  return {
    stamp(record) {
      const absent = fields.filter((field) => (record as Readonly<Record<string, unknown>>)[field] === undefined);
      if (absent.length === 0) return record;
      const time = clock.tick();
      if (stored !== undefined && time > stored.value) return undefined;
      // One time a record: its clocks agree.
      return { ...record, ...Object.fromEntries(absent.map((field) => [field, time.toString()])) };
    },
    async reserve() {
      const bound = clock.last + reserve;
      storing ??= stored?.write(bound, { sync: true }).finally(() => (storing = undefined));
      await storing;
    },
    async [Symbol.asyncDispose]() {
      // An orderly end gives back what was not used: the next start is not ahead of its host.
      await stored?.write(clock.last, { sync: true });
      await stored?.[Symbol.asyncDispose]();
    },
  };
}
