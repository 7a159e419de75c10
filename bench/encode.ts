// Parsed objects to Avro, validated: the contract's generated encoder against avsc's `isValid` and `toBuffer`.
import { compileDoorEncoder } from "@mainstem/contract";
import { compare, type Bench, type BenchOptions, type Comparison, type Contender } from "./harness.ts";
import { eventShape, type Shape } from "./records/shapes.ts";

export const run: Bench = (options) => benchEncode("encode", eventShape(), options);

export async function benchEncode(bench: string, shape: Shape, { quick, note }: BenchOptions): Promise<readonly Comparison[]> {
  const rounds = Math.ceil((quick ? 5_000_000 : 40_000_000) / shape.body.length);
  const objects = shape.lines.map((line): unknown => JSON.parse(line));
  note(`${rounds * objects.length} records a run, ${Math.round(shape.body.length / objects.length)} bytes of JSON each`);
  return compare({
    bench,
    case: `${shape.title}, objects to Avro`,
    unit: "records",
    ours: ours(shape, objects, rounds),
    peers: [avsc(shape, objects, rounds)],
    reps: quick ? 3 : 9,
  });
}

function ours({ contract }: Shape, objects: readonly unknown[], rounds: number): Contender {
  const encoder = compileDoorEncoder(contract);
  return {
    name: "ours",
    run() {
      let bytes = 0;
      for (let round = 0; round < rounds; round++) {
        for (const object of objects) {
          if (encoder.encodeRecord(object) !== undefined) throw new Error("a record was refused");
          bytes += encoder.output.end;
        }
      }
      return { units: bytes > 0 ? rounds * objects.length : 0 };
    },
  };
}

function avsc({ type }: Shape, objects: readonly unknown[], rounds: number): Contender {
  return {
    name: "avsc isValid + toBuffer",
    run() {
      let bytes = 0;
      for (let round = 0; round < rounds; round++) {
        for (const object of objects) {
          if (!type.isValid(object)) throw new Error("a record was refused");
          bytes += type.toBuffer(object).length;
        }
      }
      return { units: bytes > 0 ? rounds * objects.length : 0 };
    },
  };
}
