import type { AvroEnumSchema } from "../avro/schema.ts";
import { fractionDigitsOf } from "../value-kind.ts";
import { decimalOf } from "../records/json-leaves.ts";
import type { JsonWrite } from "../records/json-leaves.ts";
import { compileJsonWrite } from "../records/json-writer.ts";
import { ByteSink } from "../avro/byte-sink.ts";
import { Faults } from "../records/faults.ts";
import { lengthen, putBytes, tooSmall, unfit, writeLong } from "./byte-writers.ts";
import type { EmitOptions } from "./emit-encode.ts";
import { emitVarint, fieldsPerFunction } from "./emit-encode.ts";
import type { Out } from "./json-bytes.ts";
import {
  borrowRead,
  copyText,
  findFields,
  matchKey,
  NameTable,
  readDate,
  readDecimal,
  readNumber,
  readTimestamp,
  readUuid,
  skipSpace,
  writeUnscaled,
} from "./json-bytes.ts";
import { copyPlain, matchText, readDigits } from "./json-words.ts";
import type { FieldNode, LeafNode, PlanNode, RecordNode, ValueNode } from "./plan.ts";
import { fixedBytes } from "./plan.ts";
import { Source } from "./source.ts";

/**
 * Reads the JSON record at `start` of `src`, which may be followed by other bytes before `end`, and writes its Avro behind `position` of `dst`. `words` is of
 * the same memory as `src`, and `view` as `dst`: what can be, is read several bytes at once. Gives where the output ends, `unfit` for every text that is not
 * plainly right, or `tooSmall`.
 */
export type TranscodeInto = (src: Uint8Array, words: DataView, start: number, end: number, dst: Uint8Array, view: DataView, position: number) => number;

const parameters = "src, words, p, end, dst, view, pos";
const fail = `return ${unfit};`;
/** Longest run of digits that a number holds exactly, whatever the digits are. */
const exactDigits = 15;
/** Enums of more symbols are left to the parsed way of that one value. */
const comparedSymbolsMax = 64;
/** Timestamps as numbers: beyond the year 1 on the near side, so that both signs are in range. */
const millisMax = 62_135_596_800_000;

/** Where the record ended that was read last: one that `end` cuts short may seem to go on beyond it. */
export interface ReadEnd {
  position: number;
}

/** Makes the function from JSON bytes to Avro bytes. */
export function generateTranscode(options: EmitOptions, readEnd: ReadEnd): TranscodeInto {
  return new TranscodeWalker(options).build(readEnd);
}

/** How values are read that generated code leaves to the parsed way, and what the contract's checks demand of the value. */
interface Place {
  readonly borrow: (inner: JsonWrite) => JsonWrite;
  /** The name of a test of a number or null. */
  readonly test: string | undefined;
}
const free: Place = { borrow: (inner) => inner, test: undefined };
const numberKinds: ReadonlySet<string> = new Set(["int", "long", "float", "double"]);

class TranscodeWalker {
  readonly #source = new Source();
  readonly #options: EmitOptions;
  readonly #spare: number;
  readonly #out: Out = { at: 0 };
  readonly #outName: string;
  readonly #space: string;

  constructor(options: EmitOptions) {
    this.#options = options;
    this.#spare = fixedBytes(options.plan) + 16;
    this.#outName = this.#source.constant(this.#out, "out");
    this.#space = this.#source.constant(skipSpace, "skip");
  }

  build(readEnd: ReadEnd): TranscodeInto {
    const record = this.#record(this.#options.plan, true);
    const entry = this.#source.define(
      "transcode",
      parameters,
      `${this.#room()} ${this.#skip()}
p = ${record}(${parameters}); if (p < 0) return p;
${this.#source.constant(readEnd, "readEnd")}.position = p; return ${this.#outName}.at;`,
    );
    return this.#source.build(entry) as TranscodeInto;
  }

  /** Every loop asks for room for what all code together writes until it asks again; texts are no longer than the JSON that is left. */
  #room(): string {
    return `if (p >= end) ${fail} ${this.#roomFrom()}`;
  }

  /** Who goes back to an earlier text asks again: what was written since may have taken its room. */
  #roomFrom(): string {
    return `if (dst.length - pos < ${this.#spare} + end - p) return ${tooSmall};`;
  }

  #skip(): string {
    return `if (src[p] < 33) p = ${this.#space}(src, p, end);`;
  }

  /**
   * The name of a function that reads a record. It follows the declared order as far as the keys do, and then goes on with the others where they are: were
   * the record begun anew, those within one another would be read twice at each level.
   */
  #record({ fields }: RecordNode, top: boolean): string {
    const source = this.#source;
    const places = {
      names: new NameTable(fields.map((field) => [field.name, ...field.aliases])),
      starts: new Int32Array(fields.length),
      ends: new Int32Array(fields.length + 1),
    };
    const names = { found: source.constant(places, "places"), starts: source.constant(places.starts, "starts"), ends: source.constant(places.ends, "ends") };
    const codes = fields.map((field, index) => this.#field(field, index, { ...names, top }));
    const parts: string[] = [];
    for (let from = 0; from < codes.length; from += fieldsPerFunction) {
      const body = `let ordered = p > 0;\n${codes.slice(from, from + fieldsPerFunction).join("\n")}\n${this.#outName}.at = pos;\nreturn ordered ? p : 0;`;
      parts.push(source.define("fields", parameters, body));
    }
    const calls = parts.map((part) => `p = ${part}(${parameters}); if (p < 0) return p; pos = ${this.#outName}.at;`);
    return source.define(
      "record",
      parameters,
      `if (src[p++] !== 123) ${fail}
${calls.join("\n")}
if (p === 0) return ${names.ends}[${fields.length}];
${this.#skip()} if (src[p] !== 125) ${fail}
return p + 1;`,
    );
  }

  #field(
    field: FieldNode,
    index: number,
    { found, starts, ends, top }: { readonly found: string; readonly starts: string; readonly ends: string; readonly top: boolean },
  ): string {
    const source = this.#source;
    const name = JSON.stringify(field.name);
    const bytes = new TextEncoder().encode(name);
    const key = source.constant(bytes, "key");
    const [at, next, there] = [source.name("q"), source.name("q"), source.name("there")];
    const comma = index > 0;
    const seek = comma
      ? `const ${at} = src[p + 1] === 32 ? p + 2 : p + 1; if (src[p] === 44 && ${matchText(at, `${name}:`)}) p = ${at} + ${bytes.length + 1};`
      : `if (${matchText("p", `${name}:`)}) p += ${bytes.length + 1};`;
    const mayMiss = field.fallback !== undefined;
    const located = mayMiss ? `if (p < 0) ${there} = false; else ${this.#roomFrom()}` : `if (p < 0) ${fail} ${this.#roomFrom()}`;
    const locate = `ordered = false; p = ${source.constant(findFields)}(src, p, end, ${found}, ${index}); ${mayMiss ? `if (p === ${unfit}) ${fail}` : ""} ${located}`;
    const slower = `const ${next} = ${source.constant(matchKey)}(src, p, end, ${key}, ${comma}); if (${next} >= 0) p = ${next}; else { ${locate} }`;
    const find = `if (ordered) { ${seek} else { ${slower} } ${this.#skip()} } else { p = ${starts}[${index}]; ${located} }`;
    const read = `${this.#fieldValue(field)} if (!ordered && p !== ${ends}[${index}]) ${fail}`;
    const mark = top ? this.#options.keys.indexOf(field.name) : -1;
    const marks = source.constant(this.#options.marks, "marks");
    const before = mark < 0 ? "" : `${marks}[${mark * 2}] = pos;`;
    const after = mark < 0 ? "" : `${marks}[${mark * 2 + 1}] = pos;`;
    if (field.fallback === undefined) return `${before} ${find}\n{ ${read} } ${after}`;
    const fill = `pos = ${source.constant(putBytes)}(dst, pos, ${source.constant(field.fallback)});`;
    return `${before} let ${there} = true; ${find}\nif (${there}) { ${read} } else { ${fill} } ${after}`;
  }

  #fieldValue(field: FieldNode): string {
    const { demand } = this.#options;
    const yes = () => true;
    const holds = demand(field.path, field.schema, yes);
    if (holds === yes) return this.#value(field.type, free);
    const own = field.type.kind === "nullable" ? field.type.of : field.type;
    // A check needs the value itself, which generated code has of numbers only.
    if (!numberKinds.has(own.kind)) return this.#borrowed(demand(field.path, field.schema, compileJsonWrite(field.schema, { path: field.path, demand })), "p");
    const faults = new Faults();
    const sink = new ByteSink(32);
    const test = (value: unknown): boolean => holds(value, sink, faults) || faults.take().length < 0;
    return this.#value(field.type, { borrow: (inner) => demand(field.path, field.schema, inner), test: this.#source.constant(test, "test") });
  }

  /** Code that reads the value at `p`. */
  #value(node: PlanNode, place: Place): string {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "nullable": {
        const test = place.test === undefined ? "" : `if (!${place.test}(null)) ${fail}`;
        const nothing = `if (!(${matchText("p", "null")})) ${fail} ${test} p += 4; dst[pos++] = ${node.nullIndex * 2};`;
        return `if (src[p] === 110) { ${nothing} } else { dst[pos++] = ${2 - node.nullIndex * 2}; ${this.#value(node.of, place)} }`;
      }
      case "record":
        return `p = ${this.#record(node, false)}(${parameters}); if (p < 0) return p; pos = ${this.#outName}.at;`;
      case "array":
        return this.#array(node.items);
      case "map":
        return this.#borrowed(plainWrite(node), "p");
      default:
        return this.#leaf(node, place);
    }
  }

  #array(items: PlanNode): string {
    const source = this.#source;
    const [head, count, byte] = [source.name("h"), source.name("n"), source.name("c")];
    return `if (src[p] !== 91) ${fail} p++; ${this.#skip()}
if (src[p] === 93) { p++; dst[pos++] = 0; } else { const ${head} = pos++; let ${count} = 0;
for (;;) { ${this.#room()} ${this.#skip()} ${this.#value(items, free)}
${count}++; ${this.#skip()} const ${byte} = src[p++]; if (${byte} === 93) break; if (${byte} !== 44) ${fail} }
if (${count} < 64) dst[${head}] = ${count} << 1; else pos = ${source.constant(lengthen)}(dst, ${head}, ${count}, pos);
dst[pos++] = 0; }`;
  }

  #leaf(node: LeafNode, place: Place): string {
    const source = this.#source;
    const borrow = (from: string) => this.#borrowed(place.borrow(plainWrite(node)), from);
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "boolean":
        return `if (${matchText("p", "true")}) { p += 4; dst[pos++] = 1; } else if (${matchText("p", "false")}) { p += 5; dst[pos++] = 0; } else ${fail}`;
      case "int":
        return this.#whole(2_147_483_647, { borrow, test: place.test, narrow: true });
      case "long":
        return this.#whole(Number.MAX_SAFE_INTEGER, { borrow, test: place.test, narrow: false });
      case "float":
      case "double":
        return this.#fraction(node.kind, place.test);
      case "string":
        return this.#string(borrow);
      case "uuid":
        if (node.schema.type !== "string") return borrow("p");
        return this.#read(`${source.constant(readUuid)}(src, p, end, dst, pos)`, "pos += 37;", borrow);
      case "enum":
        return this.#enum((node.schema as AvroEnumSchema).symbols, borrow);
      case "date":
        return this.#read(`${source.constant(readDate)}(src, p, end, ${this.#outName})`, this.#putLong(), borrow);
      case "timestampMillis":
      case "timestampMicros": {
        const digits = fractionDigitsOf(node.kind);
        const limit = digits === 3 ? millisMax : Number.MAX_SAFE_INTEGER;
        return `if (src[p] === 34) { ${this.#timestamp(digits, true, borrow)} } else { ${this.#whole(limit, { borrow, test: undefined, narrow: false })} }`;
      }
      case "localTimestampMillis":
      case "localTimestampMicros":
        return this.#timestamp(fractionDigitsOf(node.kind), false, borrow);
      case "decimal": {
        const options = source.constant({ ...decimalOf(node.schema), out: this.#out }, "decimal");
        const size = node.schema.type === "fixed" ? node.schema.size : undefined;
        const put = `pos = ${source.constant(writeUnscaled)}(dst, pos, ${this.#outName}.at, ${size});`;
        return this.#read(`${source.constant(readDecimal)}(src, p, end, ${options})`, put, borrow);
      }
      default:
        return borrow("p");
    }
  }

  #timestamp(digits: number, zone: boolean, borrow: (from: string) => string): string {
    const options = this.#source.constant({ digits, zone, out: this.#out }, "time");
    return this.#read(`${this.#source.constant(readTimestamp)}(src, p, end, ${options})`, this.#putLong(), borrow);
  }

  #putLong(): string {
    return `pos = ${this.#source.constant(writeLong)}(dst, pos, ${this.#outName}.at);`;
  }

  /** A call that gives the position after the value, and otherwise the parsed way of this value. */
  #read(call: string, put: string, borrow: (from: string) => string): string {
    const next = this.#source.name("q");
    return `const ${next} = ${call}; if (${next} >= 0) { p = ${next}; ${put} } else { ${borrow("p")} }`;
  }

  #borrowed(write: JsonWrite, from: string): string {
    const read = this.#source.constant(borrowRead(write, { out: this.#out, spare: this.#spare }), "read");
    return `p = ${read}(src, ${from}, end, dst, pos); if (p < 0) return p; pos = ${this.#outName}.at;`;
  }

  #string(borrow: (from: string) => string): string {
    const source = this.#source;
    const [start, byte, at, length] = [source.name("b"), source.name("c"), source.name("d"), source.name("n")];
    const rest = `{ dst, position: pos, written: ${at}, out: ${this.#outName} }`;
    return `if (src[p] !== 34) ${fail} const ${start} = p++; let ${byte} = 0, ${at} = pos + 1;
${copyPlain({ word: source.name("w"), mask: source.name("m"), to: at })}
while (p < end && (${byte} = src[p]) !== 34 && ${byte} > 31 && ${byte} < 128 && ${byte} !== 92) { dst[${at}++] = ${byte}; p++; }
if (${byte} === 34) { const ${length} = p - ${start} - 1; p++; if (${length} < 64) { dst[pos] = ${length} << 1; pos = ${at}; } else pos = ${source.constant(lengthen)}(dst, pos, ${length}, ${at}); }
else { p = ${source.constant(copyText)}(src, p, end, ${rest}); if (p >= 0) pos = ${this.#outName}.at; else { ${borrow(start)} } }`;
  }

  /** Integers of as many digits as a number holds; everything else that may be one is left to the parsed way. */
  #whole(
    limit: number,
    { borrow, test, narrow }: { readonly borrow: (from: string) => string; readonly test: string | undefined; readonly narrow: boolean },
  ): string {
    const source = this.#source;
    const [start, byte, value, first, minus] = [source.name("b"), source.name("c"), source.name("n"), source.name("d"), source.name("m")];
    const demand = test === undefined ? "" : `if (!${test}(${value})) ${fail}`;
    const small = emitVarint(source, value);
    const write = narrow ? small : `if ((${value} | 0) === ${value}) { ${small} } else pos = ${source.constant(writeLong)}(dst, pos, ${value});`;
    return `const ${start} = p; let ${byte} = src[p], ${value} = 0, ${minus} = false; if (${byte} === 45) { ${minus} = true; ${byte} = src[++p]; } const ${first} = p;
${readDigits({ word: source.name("w"), mask: source.name("m"), value })} ${byte} = src[p];
while (${byte} > 47 && ${byte} < 58) { ${value} = ${value} * 10 + (${byte} - 48); ${byte} = src[++p]; }
if (p === ${first} || p - ${first} > 16 || ${value} > ${limit} || ${byte} === 46 || (${byte} | 32) === 101 || (src[${first}] === 48 && p - ${first} > 1)) { ${borrow(start)} }
else { if (${minus}) ${value} = -${value}; ${write} ${demand} }`;
  }

  /** A number within `exactDigits` digits and 10^22 is the quotient of two exact numbers, so correctly rounded; others are read by the platform. */
  #fraction(kind: "float" | "double", test: string | undefined): string {
    const source = this.#source;
    const [start, byte, value, first, minus, dot] = [
      source.name("b"),
      source.name("c"),
      source.name("n"),
      source.name("d"),
      source.name("m"),
      source.name("s"),
    ];
    const powers = source.constant(powersOfTen, "powers");
    const fround = source.constant(Math.fround, "fround");
    const finite = kind === "double" ? `${value} - ${value} !== 0` : `${fround}(${value}) - ${fround}(${value}) !== 0`;
    const put = kind === "double" ? `view.setFloat64(pos, ${value}, true); pos += 8;` : `view.setFloat32(pos, ${value}, true); pos += 4;`;
    return `const ${start} = p; let ${byte} = src[p], ${value} = 0, ${minus} = false, ${dot} = 0; if (${byte} === 45) { ${minus} = true; ${byte} = src[++p]; } const ${first} = p;
while (${byte} > 47 && ${byte} < 58) { ${value} = ${value} * 10 + (${byte} - 48); ${byte} = src[++p]; }
if (${byte} === 46 && p > ${first}) { ${dot} = p; ${byte} = src[++p]; while (${byte} > 47 && ${byte} < 58) { ${value} = ${value} * 10 + (${byte} - 48); ${byte} = src[++p]; } ${dot} = p - ${dot} - 1 || -1; }
if (p === ${first} || ${dot} < 0 || p - ${first} > ${exactDigits + 1} || (${byte} | 32) === 101 || (src[${first}] === 48 && src[${first} + 1] > 47 && src[${first} + 1] < 58)) {
p = ${source.constant(readNumber)}(src, ${start}, end, ${this.#outName}); if (p < 0) ${fail} ${value} = ${this.#outName}.at; }
else { if (${dot} > 0) ${value} /= ${powers}[${dot}]; if (${minus}) ${value} = -${value}; }
if (${finite}) ${fail} ${put}
${test === undefined ? "" : `if (!${test}(${value})) ${fail}`}`;
  }

  #enum(symbols: readonly string[], borrow: (from: string) => string): string {
    if (symbols.length > comparedSymbolsMax) return borrow("p");
    const byFirst = Map.groupBy(
      symbols.map((symbol, index) => ({ symbol, index })),
      ({ symbol }) => symbol.charCodeAt(0),
    );
    const cases = [...byFirst].map(([first, group]) => {
      const tests = group.map(({ symbol, index }) => `if (${matchText("p + 1", `${symbol}"`)}) { p += ${symbol.length + 2}; dst[pos++] = ${index * 2}; }`);
      return `case ${first}: ${tests.join(" else ")} else ${fail} break;`;
    });
    return `if (src[p] !== 34) ${fail} switch (src[p + 1]) { ${cases.join(" ")} default: ${fail} }`;
  }
}

const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** The slower way of a value without the demands on its field. */
function plainWrite(node: Exclude<ValueNode, RecordNode>): JsonWrite {
  return compileJsonWrite(node.schema, { path: "", demand: (_path, _schema, write) => write });
}
