import type { Demand } from "../records/json-writer.ts";
import { compileJsonWrite } from "../records/json-writer.ts";
import { ByteSink } from "../avro/byte-sink.ts";
import type { AvroEnumSchema } from "../avro/schema.ts";
import { Faults } from "../records/faults.ts";
import { borrowWrite, putBytes, tooSmall, unfit, writeLong, writeText, writeUuid } from "./byte-writers.ts";
import type { FieldNode, LeafNode, PlanNode, RecordNode } from "./plan.ts";
import { fixedBytes } from "./plan.ts";
import { literal, Source } from "./source.ts";

/** Writes a record behind `position` and gives where it ends, `unfit` or `tooSmall`. `view` is of the same memory as `bytes`. */
export type EncodeInto = (value: unknown, bytes: Uint8Array, view: DataView, position: number) => number;

export interface EmitOptions {
  readonly plan: RecordNode;
  /** What the contract's checks demand of a field. */
  readonly demand: Demand;
  /** Where the key fields lie in the output: start and end of each, in the order of `keys`. */
  readonly marks: Int32Array;
  readonly keys: readonly string[];
}

/** Fields in one function: the engine does not optimise a function beyond some size. */
export const fieldsPerFunction = 24;
/** An enum with more symbols is looked up, not compared. */
const comparedSymbolsMax = 12;
const parameters = "v, dst, view, pos";
const fail = `return ${unfit};`;

/** Makes the function that checks a record (a parsed JSON value) and writes it, in one pass. */
export function generateEncode(options: EmitOptions): EncodeInto {
  const walker = new EncodeWalker(options);
  return walker.build();
}

class EncodeWalker {
  readonly #source = new Source();
  readonly #options: EmitOptions;
  /** Room that every loop and every text leaves: what all code together writes until the next check. */
  readonly #spare: number;

  constructor(options: EmitOptions) {
    this.#options = options;
    this.#spare = fixedBytes(options.plan) + 16;
  }

  build(): EncodeInto {
    const record = this.#record(this.#options.plan, true);
    const entry = this.#source.define("encode", parameters, `${this.#room()} return ${record}(${parameters});`);
    return this.#source.build(entry) as EncodeInto;
  }

  #room(): string {
    return `if (dst.length - pos < ${this.#spare}) return ${tooSmall};`;
  }

  /** The name of a function that writes a record. */
  #record({ fields }: RecordNode, top: boolean): string {
    const source = this.#source;
    const isArray = source.constant(Array.isArray, "isArray");
    const missing = fields.some((field) => field.fallback !== undefined) ? source.variable("missing", 0) : undefined;
    const parts: string[] = [];
    for (let from = 0; from < fields.length; from += fieldsPerFunction)
      parts.push(
        fields
          .slice(from, from + fieldsPerFunction)
          .map((field) => this.#field(field, top, missing))
          .join("\n"),
      );
    const [only = ""] = parts;
    const body =
      parts.length === 1
        ? only
        : parts.map((part) => `pos = ${source.define("fields", parameters, `${part}\nreturn pos;`)}(${parameters}); if (pos < 0) return pos;`).join("\n");
    const own = source.name("n");
    // Counted first: with 200 fields an object takes 0.6 of the time, probably because that goes through its memory in order and leaves it near.
    return source.define(
      "record",
      parameters,
      `if (typeof v !== "object" || v === null || ${isArray}(v)) ${fail}
${missing === undefined ? "" : `${missing} = 0;`}
let ${own} = 0; for (const _ in v) ${own}++;
${body}
if (${own} !== ${fields.length}${missing === undefined ? "" : ` - ${missing}`}) ${fail}
return pos;`,
    );
  }

  #field(field: FieldNode, top: boolean, missing: string | undefined): string {
    const source = this.#source;
    const value = source.name("f");
    const own = source.constant(Object.hasOwn, "hasOwn");
    const read = `v[${literal(field.name)}]`;
    // Every object inherits some properties: of such names only an own one counts.
    const item = field.name in Object.prototype ? `${own}(v, ${literal(field.name)}) ? ${read} : undefined` : read;
    const write = `${this.#value(field.type, value)} ${this.#demand(field, value)}`;
    const otherwise =
      field.fallback === undefined || missing === undefined
        ? fail
        : `{ pos = ${source.constant(putBytes)}(dst, pos, ${source.constant(field.fallback)}); ${missing}++; }`;
    const body = `const ${value} = ${item}; if (${value} !== undefined) { ${write} } else ${otherwise}`;
    const mark = top ? this.#options.keys.indexOf(field.name) : -1;
    if (mark < 0) return body;
    const marks = source.constant(this.#options.marks, "marks");
    return `${marks}[${mark * 2}] = pos; ${body} ${marks}[${mark * 2 + 1}] = pos;`;
  }

  #demand(field: FieldNode, value: string): string {
    const free = () => true;
    const holds = this.#options.demand(field.path, field.schema, free);
    if (holds === free) return "";
    const source = this.#source;
    const faults = new Faults();
    const sink = new ByteSink(32);
    const test = (item: unknown): boolean => holds(item, sink, faults) || faults.take().length < 0;
    return `if (!${source.constant(test, "holds")}(${value})) ${fail}`;
  }

  /** Code that writes the value of a variable at `pos`. */
  #value(node: PlanNode, value: string): string {
    const source = this.#source;
    const isArray = source.constant(Array.isArray, "isArray");
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "nullable":
        return `if (${value} === null) dst[pos++] = ${node.nullIndex * 2}; else { dst[pos++] = ${2 - node.nullIndex * 2}; ${this.#value(node.of, value)} }`;
      case "record":
        return `pos = ${this.#record(node, false)}(${value}, dst, view, pos); if (pos < 0) return pos;`;
      case "array": {
        const [index, item, count] = [source.name("i"), source.name("e"), source.name("n")];
        return `if (!${isArray}(${value})) ${fail}
const ${count} = ${value}.length;
if (${count} > 0) { pos = ${source.constant(writeLong)}(dst, pos, ${count});
for (let ${index} = 0; ${index} < ${count}; ${index}++) { ${this.#room()} const ${item} = ${value}[${index}]; ${this.#value(node.items, item)} } }
dst[pos++] = 0;`;
      }
      case "map": {
        const [names, name, item] = [source.name("names"), source.name("name"), source.name("e")];
        return `if (typeof ${value} !== "object" || ${value} === null || ${isArray}(${value})) ${fail}
const ${names} = ${source.constant(Object.keys, "keys")}(${value});
if (${names}.length > 0) pos = ${source.constant(writeLong)}(dst, pos, ${names}.length);
for (const ${name} of ${names}) { ${this.#text(name)} const ${item} = ${value}[${name}]; ${this.#value(node.values, item)} }
dst[pos++] = 0;`;
      }
      default:
        return this.#leaf(node, value);
    }
  }

  #text(value: string): string {
    return `pos = ${this.#source.constant(writeText)}(dst, pos, ${value}, ${this.#spare}); if (pos < 0) return pos;`;
  }

  #leaf(node: LeafNode, value: string): string {
    const source = this.#source;
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "null":
        return `if (${value} !== null) ${fail}`;
      case "boolean":
        return `if (${value} === true) dst[pos++] = 1; else if (${value} === false) dst[pos++] = 0; else ${fail}`;
      case "int":
        return `if (typeof ${value} !== "number" || (${value} | 0) !== ${value}) ${fail} ${emitVarint(source, value)}`;
      case "long":
        return `if (typeof ${value} === "number" && (${value} | 0) === ${value}) { ${emitVarint(source, value)} }
else if (typeof ${value} === "number" && ${source.constant(Number.isSafeInteger, "isSafe")}(${value})) pos = ${source.constant(writeLong)}(dst, pos, ${value});
else { ${this.#borrowed(node, value)} }`;
      case "double":
        return `if (typeof ${value} !== "number" || ${value} - ${value} !== 0) ${fail} view.setFloat64(pos, ${value}, true); pos += 8;`;
      case "float": {
        const fround = source.constant(Math.fround, "fround");
        return `if (typeof ${value} !== "number" || ${fround}(${value}) - ${fround}(${value}) !== 0) ${fail} view.setFloat32(pos, ${value}, true); pos += 4;`;
      }
      case "string":
        return `if (typeof ${value} !== "string") ${fail} ${this.#text(value)}`;
      case "uuid":
        if (node.schema.type !== "string") return this.#borrowed(node, value);
        return `if (typeof ${value} !== "string") ${fail} pos = ${source.constant(writeUuid)}(dst, pos, ${value}); if (pos < 0) return pos;`;
      case "enum":
        return this.#enum((node.schema as AvroEnumSchema).symbols, value);
      default:
        return this.#borrowed(node, value);
    }
  }

  #enum(symbols: readonly string[], value: string): string {
    const source = this.#source;
    if (symbols.length > comparedSymbolsMax) {
      const index = source.name("x");
      const indexes = source.constant(new Map(symbols.map((symbol, position) => [symbol, position])));
      return `const ${index} = ${indexes}.get(${value}); if (${index} === undefined) ${fail} pos = ${source.constant(writeLong)}(dst, pos, ${index});`;
    }
    const cases = symbols.map((symbol, index) => `case ${literal(symbol)}: dst[pos++] = ${index * 2}; break;`);
    return `switch (${value}) { ${cases.join(" ")} default: ${fail} }`;
  }

  #borrowed(node: LeafNode, value: string): string {
    const write = borrowWrite(compileJsonWrite(node.schema, { path: "", demand: (_path, _schema, inner) => inner }));
    return `pos = ${this.#source.constant(write, "write")}(dst, pos, ${value}, ${this.#spare}); if (pos < 0) return pos;`;
  }
}

/** Writes a variable that holds an integer of 32 bits. */
export function emitVarint(source: Source, value: string): string {
  const rest = source.name("z");
  return `let ${rest} = ((${value} << 1) ^ (${value} >> 31)) >>> 0; while (${rest} > 127) { dst[pos++] = (${rest} & 127) | 128; ${rest} >>>= 7; } dst[pos++] = ${rest};`;
}
