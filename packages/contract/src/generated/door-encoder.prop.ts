import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Contract } from "../contract.ts";
import type { FieldError } from "../records/faults.ts";
import { compileRecordEncoder } from "../records/record-encoder.ts";
import { contractsWithRecords, texts, timed } from "../testing/arbitraries.ts";
import { contractOf } from "../testing/samples.ts";
import type { DoorEncoder } from "./door-encoder.ts";
import { compileDoorEncoder } from "./door-encoder.ts";

type Outcome = { readonly value: string; readonly key: string } | { readonly errors: readonly FieldError[] } | { readonly notJson: true };

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const prefix = Uint8Array.of(0, 1, 2, 3, 4);

/** What the door does: the transcoder, and where that gives up, the parsed way. */
function outcomeOf(encoder: DoorEncoder, bytes: Uint8Array, start: number, end: number): Outcome {
  if (!encoder.transcode(bytes, start, end)) {
    const json = parsed(bytes.subarray(start, end));
    if (json === undefined) return { notJson: true };
    const errors = encoder.encodeRecord(json.value);
    if (errors !== undefined) return { errors };
  }
  const { output } = encoder;
  assert.deepEqual(output.bytes.slice(0, prefix.length), prefix);
  return { value: hex(output.bytes.subarray(prefix.length, output.end)), key: hex(output.bytes.subarray(output.keyStart, output.keyEnd)) };
}

/** What is right: JSON.parse and compiled closures. */
function expectedOf(contract: Contract, bytes: Uint8Array): Outcome {
  const json = parsed(bytes);
  if (json === undefined) return { notJson: true };
  const result = compileRecordEncoder(contract).encode(json.value);
  return result.kind === "invalid" ? { errors: result.errors } : { value: hex(result.value), key: hex(result.key) };
}

function parsed(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

/** Decisions about a text's form, taken one after the other from a list. */
class Choices {
  readonly #list: readonly number[];
  #next = 0;

  constructor(list: readonly number[]) {
    this.#list = list;
  }

  pick<T>(...of: readonly T[]): T {
    const choice = this.#list.length === 0 ? 0 : (this.#list[this.#next++ % this.#list.length] as number);
    return of[choice % of.length] as T;
  }
}

const spaces = ["", "", "", " ", "\t", "\r\n  "] as const;

/** One of the many JSON texts of a value; now and then of another value, or of none. */
function textOf(value: unknown, choices: Choices): string {
  const space = () => choices.pick(...spaces);
  if (Array.isArray(value)) return `[${space()}${value.map((item) => textOf(item, choices)).join(`${space()},${space()}`)}${space()}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, item]) => `${stringOf(name, choices)}${space()}:${space()}${textOf(item, choices)}`);
    const half = members.length >> 1;
    const order = choices.pick(members, members, members.toReversed(), [...members.slice(0, half), ...members.slice(half).toReversed()]);
    const more = choices.pick("", "", "", "", "", "", "", '"x":1', members[0] ?? "");
    return `{${space()}${[...order, more].filter((one) => one !== "").join(`${space()},${space()}`)}${space()}}`;
  }
  if (typeof value === "string") return stringOf(value, choices);
  if (typeof value === "number") return numberOf(value, choices);
  return String(value);
}

function stringOf(value: string, choices: Choices): string {
  const plain = JSON.stringify(value);
  const escaped = () => `"${Array.from({ length: value.length }, (_, index) => `\\u${value.charCodeAt(index).toString(16).padStart(4, "0")}`).join("")}"`;
  return choices.pick(plain, plain, plain, plain, escaped(), `${plain.slice(0, -1)}\\n"`);
}

function numberOf(value: number, choices: Choices): string {
  const plain = Object.is(value, -0) ? "-0" : String(value);
  return choices.pick(
    plain,
    plain,
    plain,
    plain,
    value.toExponential(),
    `${plain}.0`,
    `0${plain}`,
    `${plain}e0`,
    `${plain}0000000000000`,
    value.toFixed(18),
    `"${plain}"`,
    `-${plain}`,
  );
}

const choices = fc.array(fc.nat({ max: 1_000 }), { maxLength: 40 }).map((list) => new Choices(list));
const damages = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Buffer.from('{}[]",:\\ \t\n-+.eE019tfnu')))), { maxLength: 2 });

test("generated code is what the door uses", () => {
  fc.assert(
    fc.property(contractsWithRecords({ min: 0, max: 0 }), ({ contract }) => {
      const { way, reason } = compileDoorEncoder(contract, { prefix });
      assert.deepEqual({ way, reason }, { way: "generated", reason: "none" });
    }),
    timed(0.1),
  );
});

test("JSON texts of any form give the bytes or the errors that their parsed values give", () => {
  let transcoded = 0;
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 4 }), choices, ({ contract, records }, form) => {
      const encoder = compileDoorEncoder(contract, { prefix });
      for (const record of records) {
        const bytes = new TextEncoder().encode(textOf(record, form));
        if (encoder.transcode(bytes, 0, bytes.length)) transcoded++;
        assert.deepEqual(outcomeOf(encoder, bytes, 0, bytes.length), expectedOf(contract, bytes));
      }
    }),
    timed(0.3),
  );
  assert.ok(transcoded > 0, "no text was transcoded");
});

test("lines that were damaged or cut give what their parsed values give, whatever stands around them", () => {
  let lines = 0;
  fc.assert(
    fc.property(contractsWithRecords({ min: 1, max: 2 }), choices, damages, fc.nat(), ({ contract, records }, form, changes, cut) => {
      const encoder = compileDoorEncoder(contract, { prefix });
      for (const record of records) {
        const line = new TextEncoder().encode(textOf(record, form));
        for (const [at, byte] of changes) line[at % line.length] = byte;
        const whole = Buffer.concat([line, Buffer.from("\n"), line]);
        const end = cut % (line.length + 1);
        for (const [from, to] of [
          [0, line.length],
          [0, end],
          [end, line.length],
          [line.length + 1, whole.length],
        ] as const)
          assert.deepEqual(outcomeOf(encoder, whole, from, to), expectedOf(contract, whole.subarray(from, to)));
        for (const to of [end, line.length, whole.length]) {
          const newline = encoder.transcodeLine(whole, 0, to);
          if (newline < 0) continue;
          lines++;
          assert.equal(newline, whole.indexOf(10));
          assert.ok(newline <= to);
          const { bytes, end: last, keyStart, keyEnd } = encoder.output;
          const read = { value: hex(bytes.subarray(prefix.length, last)), key: hex(bytes.subarray(keyStart, keyEnd)) };
          assert.deepEqual(read, expectedOf(contract, whole.subarray(0, newline)));
        }
      }
    }),
    timed(0.3),
  );
  assert.ok(lines > 0, "no line was read to its newline");
});

test("objects give the bytes or the errors that compiled closures give", () => {
  fc.assert(
    fc.property(
      contractsWithRecords({ min: 1, max: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withMap: true })), { maxLength: 3 }),
      ({ contract, records }, changes) => {
        const encoder = compileDoorEncoder(contract);
        const names = [...contract.schema.fields.map((field) => field.name), "surprise", "__proto__"];
        for (const record of records) {
          const changed = { ...(record as object) } as Record<string, unknown>;
          for (const [at, value] of changes) changed[names[at % names.length] as string] = value;
          for (const json of [record, changed, changes[0]?.[1]]) {
            const expected = compileRecordEncoder(contract).encode(json);
            const result = encoder.encode(json);
            assert.deepEqual(
              result.kind === "valid" ? { value: hex(result.value), key: hex(result.key) } : result,
              expected.kind === "valid" ? { value: hex(expected.value), key: hex(expected.key) } : expected,
            );
          }
        }
      },
    ),
    timed(0.2),
  );
});

test("texts of every kind and length go through as they are, whether escaped or not", () => {
  const contract = contractOf([{ name: "list", type: { type: "array", items: "string" } }]);
  const encoder = compileDoorEncoder(contract, { prefix });
  fc.assert(
    fc.property(texts, fc.array(texts, { maxLength: 80 }), choices, (k, list, form) => {
      const bytes = new TextEncoder().encode(textOf({ k, o: 1, list }, form));
      assert.deepEqual(outcomeOf(encoder, bytes, 0, bytes.length), expectedOf(contract, bytes));
    }),
    timed(0.15),
  );
});

test("numbers of every size and form are read as JSON.parse reads them", () => {
  const contract = contractOf([
    { name: "d", type: "double" },
    { name: "f", type: ["null", "float"] },
  ]);
  const encoder = compileDoorEncoder(contract, { prefix });
  const digits = (max: number) => fc.string({ unit: fc.constantFrom(...Array.from("0123456789")), minLength: 1, maxLength: max });
  const number = fc
    .tuple(fc.constantFrom("", "-"), digits(20), fc.option(digits(25)), fc.option(fc.tuple(fc.constantFrom("e", "E", "e+", "e-"), digits(3))))
    .map(([sign, whole, fraction, exponent]) => `${sign}${whole}${fraction === null ? "" : `.${fraction}`}${exponent === null ? "" : exponent.join("")}`);
  fc.assert(
    fc.property(number, number, number, (o, d, f) => {
      const bytes = new TextEncoder().encode(`{"k":"a","o":${o},"d":${d},"f":${f}}`);
      assert.deepEqual(outcomeOf(encoder, bytes, 0, bytes.length), expectedOf(contract, bytes));
    }),
    timed(0.15),
  );
});
