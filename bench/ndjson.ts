// Lines of JSON to Avro, validated: the contract's generated transcoder against JSON.parse and avsc, and against Python's orjson and fastavro.
import { compileDoorEncoder } from "@mainstem/contract";
import { compare, type Bench, type BenchOptions, type Comparison, type Contender } from "./harness.ts";
import { roundsOf } from "./records/rounds.ts";
import { eventShape, type Shape } from "./records/shapes.ts";
import { openPythonPeer } from "./records/python-peer.ts";

export const run: Bench = (options) => benchNdjson("ndjson", eventShape(), options);

export async function benchNdjson(bench: string, shape: Shape, { quick, note }: BenchOptions): Promise<readonly Comparison[]> {
  const rounds = Math.ceil((quick ? 10_000_000 : 40_000_000) / shape.body.length);
  note(`${rounds * shape.lines.length} records a run, ${Math.round(shape.body.length / shape.lines.length)} bytes of JSON each`);
  const peers = [avsc(shape, rounds)];
  // Its writer refuses what does not fit the schema, so that nothing is validated twice.
  const files = { lines: shape.body, schema: JSON.stringify(shape.type.schema({ exportAttrs: true })) };
  const lines = { script: "python-peer.py", files, rounds, records: shape.lines.length };
  await using python = await openPythonPeer("Python orjson, fastavro", lines).catch((error: unknown) => {
    note(`without Python: ${String(error).slice(0, 200)}`);
    return undefined;
  });
  if (python !== undefined) peers.push(python);
  return await compare({ bench, case: `${shape.title}, lines to Avro`, unit: "records", ours: ours(shape, rounds), peers, reps: quick ? 5 : 9 });
}

function ours({ contract, body, lines }: Shape, rounds: number): Contender {
  const encoder = compileDoorEncoder(contract);
  const round = (): number => {
    let bytes = 0;
    for (let start = 0; start < body.length;) {
      // As the door reads lines: a plain one need not be looked for first.
      const end = encoder.transcodeLine(body, start, body.length);
      if (end < 0) throw new Error("a line was not transcoded");
      bytes += encoder.output.end;
      start = end + 1;
    }
    return bytes;
  };
  return { name: "ours", run: () => roundsOf(rounds, { records: lines.length, round }) };
}

function avsc({ type, body, lines }: Shape, rounds: number): Contender {
  const round = (): number => {
    let bytes = 0;
    for (const line of body.toString("utf8").split("\n")) {
      if (line === "") continue;
      const object: unknown = JSON.parse(line);
      if (!type.isValid(object)) throw new Error("a record was refused");
      bytes += type.toBuffer(object).length;
    }
    return bytes;
  };
  return { name: "JSON.parse, avsc isValid + toBuffer", run: () => roundsOf(rounds, { records: lines.length, round }) };
}
