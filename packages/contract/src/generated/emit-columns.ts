import type { AvroRecordSchema, AvroSchema } from "../avro/schema.ts";
import { daysFromCivil } from "../records/civil-time.ts";
import { decimalOf } from "../records/json-leaves.ts";
import { unfit } from "./byte-writers.ts";
import {
  areDistinct,
  putBlob,
  putDecimal,
  putDouble,
  putFloat,
  putInt,
  putLong,
  putNumber,
  putText,
  putTime,
  putUuidBytes,
  putUuidText,
  wordsToNumber,
} from "./column-bytes.ts";
import type { Address, ColumnBatch, ColumnVector, ListVector, ValueVector } from "./column-vectors.ts";
import { ConstantHeap } from "./constant-heap.ts";
import { fieldsPerFunction } from "./emit-encode.ts";
import type { MissingField, ReadEnum, ReadLeaf, ReadNode, ReadRecord, ReadUnion } from "./resolve-plan.ts";
import { readPlanOf } from "./resolve-plan.ts";
import { canGenerate, Source } from "./source.ts";
import { fractionDigitsOf } from "../value-kind.ts";

/** Reads records of one writer into the rows of a batch. */
export interface ColumnDecoder {
  /**
   * Reads the record in `[start, end)` of the batch's bytes into a row; rows are filled from 0 on, one after the other. False for a record that is
   * damaged, or unusual: then nothing of it counts, the row is free for another one, and the slower way (`compileDecoder`) tells what it holds.
   */
  decode(start: number, end: number, row: number): boolean;
  /** Texts that are not in the records (long enum symbols, defaults). Cells point to them: they must lie in memory as long as rows do. */
  readonly constants: Uint8Array;
  /** Says where a copy of `constants` lies; before the first record, where there are any. */
  place(address: Address): void;
}

/**
 * Generates the decoder of records that were written with `writer`, as `reader` sees them, into columns, without an object for each. `batch` was made
 * for `reader`. Undefined where no code is generated (see `readPlanOf`), or the platform refuses generated code.
 *
 * What it takes, `compileDecoder` takes too, with the same values: every length is checked against the record's end, texts are held to UTF-8, times
 * and decimals to their range, and the record must fill its bytes.
 */
export function compileColumnDecoder(options: {
  readonly writer: AvroRecordSchema;
  readonly reader: AvroRecordSchema;
  readonly batch: ColumnBatch;
}): ColumnDecoder | undefined {
  const plan = canGenerate() ? readPlanOf(options) : undefined;
  return plan === undefined ? undefined : new ColumnWalker(options.batch).build(plan);
}

const parameters = "src, view, pos, end, row";
const fail = `return ${unfit};`;
const daysMin = daysFromCivil(1, 1, 1);
const daysMax = daysFromCivil(9999, 12, 31);
const secondsPerDay = 86_400;

/** Where values go: into the row of a vector, or, being skipped, nowhere. */
interface Target {
  readonly vector: ColumnVector | undefined;
  readonly row: string;
}
/** What generated code calls a vector's parts. */
interface VectorNames {
  readonly data: string;
  readonly validity: string;
  readonly count: string;
  readonly capacity: string;
}

class ColumnWalker {
  readonly #source = new Source();
  readonly #batch: ColumnBatch;
  readonly #names = new Map<ColumnVector, VectorNames>();
  readonly #heap = new ConstantHeap();
  readonly #low: string;
  readonly #high: string;
  readonly #scratch: string;
  readonly #bind: string;
  #whole = true;

  constructor(batch: ColumnBatch) {
    this.#batch = batch;
    this.#low = this.#source.variable("low", 0);
    this.#high = this.#source.variable("high", 0);
    this.#scratch = this.#source.constant(new Int32Array(4), "scratch");
    for (const column of batch.columns) this.#nameAll(column);
    this.#bind = this.#source.define("bind", "", this.#binding());
  }

  build(plan: ReadRecord): ColumnDecoder | undefined {
    const record = this.#record(plan, (target) => this.#batch.columns[target], undefined);
    if (!this.#whole) return undefined;
    const source = this.#source;
    const batch = source.constant(this.#batch, "batch");
    const version = source.variable("version", -1);
    const lists = [...this.#names].filter((entry): entry is [ListVector, VectorNames] => entry[0].kind === "list");
    const load = lists.map(([vector, { count }]) => `${count} = ${source.constant(vector)}.count;`);
    const store = lists.map(([vector, { count }]) => `${source.constant(vector)}.count = ${count};`);
    const entry = source.define(
      "decode",
      "start, end, row",
      `if (${batch}.version !== ${version}) { ${this.#bind}(); ${version} = ${batch}.version; }
${this.#low} = ${batch}.low; ${this.#high} = ${batch}.high;
${load.join(" ")}
if (${record}(${batch}.bytes, ${batch}.view, start, end, row) !== end) return false;
${store.join(" ")}
return true;`,
    );
    const decode = source.build(entry) as ColumnDecoder["decode"];
    const heap = this.#heap;
    return { decode, constants: heap.finish(), place: (address) => heap.place(address) };
  }

  /** Takes the vectors' arrays. */
  #binding(): string {
    const lines = [...this.#names].map(([vector, names]) => {
      const name = this.#source.constant(vector);
      const data = vector.kind === "struct" ? "" : `${names.data} = ${name}.data;`;
      const capacity = vector.kind === "list" ? `${names.capacity} = ${name}.capacity;` : "";
      return `${data} ${vector.validity === undefined ? "" : `${names.validity} = ${name}.validity;`} ${capacity}`;
    });
    return lines.join("\n");
  }

  #nameAll(vector: ColumnVector): void {
    const variable = (hint: string): string => this.#source.variable(hint, 0);
    this.#names.set(vector, { data: variable("data"), validity: variable("valid"), count: variable("count"), capacity: variable("room") });
    if (vector.kind === "struct") for (const field of vector.fields) this.#nameAll(field);
    if (vector.kind === "list") this.#nameAll(vector.child);
  }

  #of(vector: ColumnVector): VectorNames {
    return this.#names.get(vector) as VectorNames;
  }

  /** The name of a function that reads a record: its fields go where `vectorOf` says, or, with `skipped`, nowhere. */
  #record({ steps, missing }: ReadRecord, vectorOf: (target: number) => ColumnVector | undefined, skipped: "skipped" | undefined): string {
    const codes = [
      ...steps.map(({ target, node }) => this.#value(node, { vector: target === undefined ? undefined : vectorOf(target), row: "row" })),
      ...(skipped === undefined ? missing.map((field) => this.#missing(field, vectorOf(field.target) as ColumnVector)) : []),
    ];
    const source = this.#source;
    if (codes.length <= fieldsPerFunction) return source.define("record", parameters, `${codes.join("\n")}\nreturn pos;`);
    const calls: string[] = [];
    for (let from = 0; from < codes.length; from += fieldsPerFunction) {
      const part = source.define("fields", parameters, `${codes.slice(from, from + fieldsPerFunction).join("\n")}\nreturn pos;`);
      calls.push(`pos = ${part}(${parameters}); if (pos < 0) ${fail}`);
    }
    return source.define("record", parameters, `${calls.join("\n")}\nreturn pos;`);
  }

  /** A default is read like a record's value, from the constants. */
  #missing({ field, fallback }: MissingField, vector: ColumnVector): string {
    const { node } = stepOf(field.type);
    const source = this.#source;
    const read = source.define("fallback", parameters, `${this.#value(node, { vector, row: "row" })}\nreturn pos;`);
    const heap = source.constant(this.#heap, "heap");
    const start = this.#heap.add(fallback);
    const [low, high] = [source.name("low"), source.name("high")];
    return `{ const ${low} = ${this.#low}, ${high} = ${this.#high}; ${this.#low} = ${heap}.low; ${this.#high} = ${heap}.high;
const ok = ${read}(${heap}.bytes, ${heap}.view, ${start}, ${start + fallback.length}, row) >= 0; ${this.#low} = ${low}; ${this.#high} = ${high}; if (!ok) ${fail} }`;
  }

  /** Code that reads a value at `pos`. */
  #value(node: ReadNode, target: Target): string {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "union":
        return this.#union(node, target);
      case "refused":
        return fail;
      case "null":
        return this.#null(target);
      case "wrapped":
        this.#whole = false;
        return fail;
      default:
        return `${this.#valid(target)} ${this.#present(node, target)}`;
    }
  }

  #present(node: Exclude<ReadNode, { readonly kind: "union" | "refused" | "wrapped" }>, target: Target): string {
    const { vector, row } = target;
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "record": {
        const fields = vector?.kind === "struct" ? vector.fields : [];
        const read = this.#record(node, (field) => fields[field], vector === undefined ? "skipped" : undefined);
        return `pos = ${read}(src, view, pos, end, ${row}); if (pos < 0) ${fail}`;
      }
      case "array":
        return this.#list(node.bytesMin, target, (child, at) => this.#value(node.items, { vector: child, row: at }));
      case "map":
        return this.#map(node.values, target);
      case "enum":
        return this.#enum(node, target);
      default:
        return this.#leaf(node, target);
    }
  }

  #union({ branches }: ReadUnion, target: Target): string {
    // One byte holds the number of any branch that is worth code; others are left to the slower way.
    const cases = branches.slice(0, 64).map((branch, index) => `case ${index * 2}: { ${this.#value(branch, target)} break; }`);
    return `switch (src[pos++]) { ${cases.join("\n")} default: ${fail} }`;
  }

  #valid({ vector, row }: Target): string {
    if (vector?.validity === undefined) return "";
    return `${this.#of(vector).validity}[${row} >> 3] |= 1 << (${row} & 7);`;
  }

  #null({ vector, row }: Target): string {
    if (vector === undefined) return "";
    const { data, validity } = this.#of(vector);
    const bit = `${validity}[${row} >> 3] &= ~(1 << (${row} & 7));`;
    if (vector.kind === "struct") return `${bit} ${vector.fields.map((field) => this.#null({ vector: field, row })).join(" ")}`;
    // No cell is left behind that points to bytes which are gone.
    return vector.width === 16 ? `${bit} ${[0, 1, 2, 3].map((word) => `${data}[${row} * 4 + ${word}] = 0;`).join(" ")}` : bit;
  }

  #list(bytesMin: number, { vector, row }: Target, item: (child: ColumnVector | undefined, row: string) => string, after = ""): string {
    const source = this.#source;
    const [first, left] = [source.name("first"), source.name("left")];
    const list = vector?.kind === "list" ? vector : undefined;
    const names = list === undefined ? undefined : this.#of(list);
    const room = names === undefined ? "" : `if (${names.count} >= ${names.capacity}) { if (!${source.constant(list)}.grow()) ${fail} ${this.#bind}(); }`;
    const entries =
      names === undefined
        ? ""
        : [first, "0", `${names.count} - ${first}`, "0"].map((word, index) => `${names.data}[${row} * 4 + ${index}] = ${word};`).join(" ");
    return `const ${first} = ${names?.count ?? "0"};
for (;;) { ${this.#int(this.#scratch, "0")} let ${left} = ${this.#scratch}[0]; if (${left} === 0) break;
if (${left} < 0) { ${left} = -${left}; ${this.#int(this.#scratch, "0")} if (${this.#scratch}[0] < 0 || ${this.#scratch}[0] > end - pos) ${fail} }
if (${left} * ${bytesMin} > end - pos) ${fail}
for (; ${left} > 0; ${left}--) { if (pos >= end) ${fail} ${room} ${item(list?.child, names?.count ?? "0")} ${names === undefined ? "" : `${names.count}++;`} } }
${entries} ${after.replaceAll("FIRST", first)}`;
  }

  #map(values: ReadNode, target: Target): string {
    const list = target.vector?.kind === "list" ? target.vector : undefined;
    const [key, value] = list?.child.kind === "struct" ? list.child.fields : [];
    const item = (_: ColumnVector | undefined, row: string): string => `${this.#text({ vector: key, row })} ${this.#value(values, { vector: value, row })}`;
    if (list === undefined || key === undefined) return this.#list(1, target, item);
    const { count } = this.#of(list);
    const distinct = `${this.#source.constant(areDistinct)}(${this.#of(key).data}, FIRST, ${count} - FIRST, src, ${this.#low})`;
    return this.#list(1, target, item, `if (${count} - FIRST > 1 && !${distinct}) ${fail}`);
  }

  /** Reads a varint of 32 bits into an array. */
  #int(out: string, index: string): string {
    return `pos = ${this.#source.constant(putInt)}(src, pos, ${out}, ${index}); if (pos < 0) ${fail}`;
  }

  /** Declares the length of what follows, all of which is there. */
  #length(name: string): string {
    return `let ${name} = src[pos++]; if (${name} > 127) { pos--; ${this.#int(this.#scratch, "0")} ${name} = ${this.#scratch}[0]; } else ${name} = (${name} >>> 1) ^ -(${name} & 1);
if (!(${name} >= 0 && ${name} <= end - pos)) ${fail}`;
  }

  #text({ vector, row }: Target): string {
    const length = this.#source.name("n");
    const [out, index] = this.#cell({ vector, row });
    return `{ ${this.#length(length)}
if (!${this.#source.constant(putText)}(src, view, pos, ${length}, ${out}, ${index}, ${this.#low}, ${this.#high})) ${fail} pos += ${length}; }`;
  }

  #bytes(target: Target, size: number | undefined): string {
    const length = this.#source.name("n");
    const [out, index] = this.#cell(target);
    const take = size === undefined ? this.#length(length) : `const ${length} = ${size}; if (${length} > end - pos) ${fail}`;
    return `{ ${take} ${this.#source.constant(putBlob)}(src, view, pos, ${length}, ${out}, ${index}, ${this.#low}, ${this.#high}); pos += ${length}; }`;
  }

  /** The array and the index at which a value of four words begins. */
  #cell({ vector, row }: Target): readonly [string, string] {
    return vector === undefined ? [this.#scratch, "0"] : [this.#of(vector).data, `${row} * 4`];
  }

  #enum({ symbols }: ReadEnum, target: Target): string {
    const source = this.#source;
    const index = source.name("x");
    const [out, at] = this.#cell(target);
    const known = symbols.map((symbol) => symbol !== undefined);
    const cells = source.constant(this.#heap.cells(symbols.map((symbol) => symbol ?? "")), "symbols");
    const check = known.every(Boolean) ? "" : `if (!${source.constant(known)}[${index}]) ${fail}`;
    const copy = [0, 1, 2, 3].map((word) => `${out}[${at} + ${word}] = ${cells}[${index} * 4 + ${word}];`).join(" ");
    return `${this.#int(this.#scratch, "0")} const ${index} = ${this.#scratch}[0]; if (${index} < 0 || ${index} >= ${symbols.length}) ${fail} ${check} ${copy}`;
  }

  #leaf(node: ReadLeaf, target: Target): string {
    const { vector, row } = target;
    const source = this.#source;
    const values = vector as ValueVector | undefined;
    const out = vector === undefined ? this.#scratch : this.#of(vector).data;
    const words = values === undefined ? 4 : values.width >> 2;
    const index = vector === undefined ? "0" : words > 1 ? `${row} * ${words}` : row;
    if (node.promote !== undefined) return this.#promoted(node, { out, index });
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "boolean":
        return `if (src[pos] > 1 || pos >= end) ${fail} ${out}[${index}] = src[pos++];`;
      case "int":
        return words > 1 ? `${this.#int(out, index)} ${out}[${index} + 1] = ${out}[${index}] >> 31;` : this.#int(out, index);
      case "date":
        return `${this.#int(out, index)} if (${out}[${index}] < ${daysMin} || ${out}[${index}] > ${daysMax}) ${fail}`;
      case "long":
      case "timestampNanos":
      case "localTimestampNanos":
        return `pos = ${source.constant(putLong)}(src, pos, ${out}, ${index}); if (pos < 0) ${fail}`;
      case "float":
        return `if (end - pos < 4) ${fail} ${source.constant(putFloat)}(view, pos, ${out}, ${index}); pos += 4;`;
      case "double":
        return `if (end - pos < 8) ${fail} ${source.constant(putDouble)}(view, pos, ${out}, ${index}); pos += 8;`;
      case "string":
        return this.#text(target);
      case "bytes":
        return this.#bytes(target, undefined);
      case "fixed":
      case "duration":
        return this.#bytes(target, "size" in node.schema ? node.schema.size : 0);
      case "uuid":
        return this.#uuid(node, out, index);
      case "decimal":
        return this.#decimal(node, out, index, values?.width ?? 16);
      default: {
        const digits = fractionDigitsOf(node.kind);
        const day = secondsPerDay * 10 ** digits;
        const range = node.kind.startsWith("time") && !node.kind.startsWith("timestamp") ? `-1, ${day}` : `${daysMin * day}, ${(daysMax + 1) * day}`;
        return `pos = ${source.constant(putTime)}(src, pos, ${out}, ${index}, ${range}, ${digits === 3 ? 1_000 : 1}); if (pos < 0) ${fail}`;
      }
    }
  }

  #uuid({ schema }: ReadLeaf, out: string, index: string): string {
    const source = this.#source;
    if (schema.type === "fixed") return `if (end - pos < 16) ${fail} pos = ${source.constant(putUuidBytes)}(view, pos, ${out}, ${index});`;
    // A length of 36 is one byte, 72.
    return `if (src[pos] !== 72 || end - pos < 37) ${fail} pos = ${source.constant(putUuidText)}(src, pos + 1, ${out}, ${index}); if (pos < 0) ${fail}`;
  }

  #decimal({ schema }: ReadLeaf, out: string, index: string, width: number): string {
    const length = this.#source.name("n");
    const take = schema.type === "fixed" ? `const ${length} = ${schema.size}; if (${length} > end - pos) ${fail}` : this.#length(length);
    // Numbers round: values within a hair of the limit are left to the slower way.
    const limit = 10 ** decimalOf(schema).precision * (1 - 2 ** -48);
    const put = this.#source.constant(putDecimal);
    return `{ ${take} pos = ${put}(src, pos, ${length}, ${out}, ${index}, ${Math.max(1, width >> 2)}, ${limit}); if (pos < 0) ${fail} }`;
  }

  /** A whole number as a float or double, or a float as a double. */
  #promoted({ kind, promote }: ReadLeaf, { out, index }: { readonly out: string; readonly index: string }): string {
    const source = this.#source;
    const scratch = this.#scratch;
    const put = (value: string): string => `${source.constant(putNumber)}(${value}, ${promote === "double"}, ${out}, ${index});`;
    if (kind === "float") return `if (end - pos < 4) ${fail} ${put("view.getFloat32(pos, true)")} pos += 4;`;
    if (kind === "int") return `${this.#int(scratch, "0")} ${put(`${scratch}[0]`)}`;
    return `pos = ${source.constant(putLong)}(src, pos, ${scratch}, 0); if (pos < 0) ${fail} ${put(`${source.constant(wordsToNumber)}(${scratch}, 0)`)}`;
  }
}

/** How a value of a type is read that was written with the same type. */
function stepOf(type: AvroSchema): { readonly node: ReadNode } {
  const schema: AvroRecordSchema = { type: "record", name: "of", fields: [{ name: "value", type }] };
  const step = readPlanOf({ writer: schema, reader: schema })?.steps[0];
  return step ?? { node: { kind: "refused" } };
}
