// Parsed objects to Avro, validated: the contract's generated encoder against avsc's `isValid` and `toBuffer`.
import { compileDoorEncoder } from "@mainstem/contract";
import { compare, type Bench, type BenchOptions, type Comparison, type Contender } from "./harness.ts";
import { roundsOf } from "./records/rounds.ts";
import { eventShape, type Shape } from "./records/shapes.ts";

export const run: Bench = (options) => benchEncode("encode", eventShape(), options);

export async function benchEncode(bench: string, shape: Shape, { quick, note }: BenchOptions): Promise<readonly Comparison[]> {
  const rounds = Math.ceil((quick ? 10_000_000 : 40_000_000) / shape.body.length);
  const objects = shape.lines.map((line): unknown => JSON.parse(line));
  note(`${rounds * objects.length} records a run, ${Math.round(shape.body.length / objects.length)} bytes of JSON each`);
  return compare({
    bench,
    case: `${shape.title}, objects to Avro`,
    unit: "records",
    ours: ours(shape, objects, rounds),
    peers: [avsc(shape, objects, rounds)],
    reps: quick ? 5 : 9,
  });
}

function ours({ contract }: Shape, objects: readonly unknown[], rounds: number): Contender {
  const encoder = compileDoorEncoder(contract);
  const round = (): number => {
    let bytes = 0;
    for (const object of objects) {
      if (encoder.encodeRecord(object) !== undefined) throw new Error("a record was refused");
      bytes += encoder.output.end;
    }
    return bytes;
  };
  return { name: "ours", run: () => roundsOf(rounds, { records: objects.length, round }) };
}

function avsc({ type }: Shape, objects: readonly unknown[], rounds: number): Contender {
  const round = (): number => {
    let bytes = 0;
    for (const object of objects) {
      if (!type.isValid(object)) throw new Error("a record was refused");
      bytes += type.toBuffer(object).length;
    }
    return bytes;
  };
  return { name: "avsc isValid + toBuffer", run: () => roundsOf(rounds, { records: objects.length, round }) };
}
