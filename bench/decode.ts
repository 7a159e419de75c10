// Avro to objects: the contract's generated decoder, every length, text and range checked, against avsc's `fromBuffer`.
import { compileDecoder } from "@mainstem/contract";
import { compare, type Bench, type BenchOptions, type Comparison, type Contender } from "./harness.ts";
import { roundsOf } from "./records/rounds.ts";
import { eventShape, type Shape } from "./records/shapes.ts";

export const run: Bench = (options) => benchDecode("decode", eventShape(), options);

export async function benchDecode(bench: string, shape: Shape, { quick, note }: BenchOptions): Promise<readonly Comparison[]> {
  const rounds = Math.ceil((quick ? 10_000_000 : 60_000_000) / shape.body.length);
  const values = shape.lines.map((line) => shape.type.toBuffer(JSON.parse(line)));
  note(`${rounds * values.length} records a run, ${Math.round(values.reduce((sum, value) => sum + value.length, 0) / values.length)} bytes of Avro each`);
  const schema = shape.contract.schema;
  return compare({
    bench,
    case: `${shape.title}, Avro to objects`,
    unit: "records",
    ours: decoding("ours", values, { rounds, decode: compileDecoder({ writer: schema, reader: schema }) }),
    peers: [decoding("avsc fromBuffer", values, { rounds, decode: (bytes) => shape.type.fromBuffer(bytes) })],
    reps: quick ? 5 : 9,
  });
}

/** Decodes all values so many times. */
export function decoding(
  name: string,
  values: readonly Buffer[],
  options: { readonly rounds: number; readonly decode: (bytes: Buffer) => unknown },
): Contender {
  const { rounds, decode } = options;
  const round = (): number => {
    let objects = 0;
    for (const value of values) if (typeof decode(value) === "object") objects++;
    return objects;
  };
  return { name, run: () => roundsOf(rounds, { records: values.length, round }) };
}
