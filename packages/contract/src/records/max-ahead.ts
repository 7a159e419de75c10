import type { AvroSchema, AvroTypeSchema } from "../avro/schema.ts";
import { unwrapNullable } from "../avro/schema.ts";
import { isClock, toHybridTime } from "../clock/hlc.ts";
import type { Contract } from "../contract.ts";
import { orderFields } from "../contract.ts";
import { durationMs } from "../durations.ts";
import { kindOf } from "../value-kind.ts";
import { comparerOf, compileDemand } from "./demands.ts";
import type { JsonWrite } from "./json-leaves.ts";
import type { Demand } from "./json-writer.ts";

/** What a contract demands of the values of its fields: its checks, and of the time in its order, where there is a clock (milliseconds since 1970), `maxAhead`. */
export function compileContractDemand(contract: Contract, now?: () => number): Demand {
  const demand = compileDemand(contract.checks);
  const { maxAhead } = contract;
  const [first] = orderFields(contract);
  if (maxAhead === undefined || now === undefined) return demand;
  return (path, schema, write) => {
    const inner = demand(path, schema, write);
    return path === first ? compileAhead(inner, { schema, maxAhead, now }) : inner;
  };
}

interface Ahead {
  readonly schema: AvroSchema;
  readonly maxAhead: string;
  readonly now: () => number;
}

function compileAhead(write: JsonWrite, { schema, maxAhead, now }: Ahead): JsonWrite {
  const type = unwrapNullable(schema)?.type as AvroTypeSchema;
  const compare = comparerOf(type);
  const aheadMs = durationMs(maxAhead);
  const greatest = greatestOf(type);
  const expected = `a time at most ${maxAhead} after now`;
  return (value, sink, faults) => {
    if (!write(value, sink, faults)) return false;
    const time = compare(value);
    return (time !== undefined && BigInt(time) <= greatest(Math.floor(now()) + aheadMs)) || faults.fail(expected, value);
  };
}

/** The greatest value of a time's type that is not after a millisecond. */
function greatestOf(type: AvroTypeSchema): (millis: number) => bigint {
  if (isClock(type)) return (millis) => toHybridTime({ millis, counter: 65_535 });
  return kindOf(type) === "timestampMicros" ? (millis) => BigInt(millis) * 1_000n : BigInt;
}
