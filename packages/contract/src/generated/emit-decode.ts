import type { ByteSource } from "../avro/byte-source.ts";
import type { AvroFixedSchema } from "../avro/schema.ts";
import { isDayInRange, isTimestampInRange } from "../records/civil-time.ts";
import { compileLeafReader } from "../records/leaf-reader.ts";
import { compileDefault } from "../records/native-reader.ts";
import { fractionDigitsOf } from "../value-kind.ts";
import { copyAt, countAt, createTextAt, cursor, doubleAt, floatAt, intAt, lengthAt, longAt, skipTextAt, uuidAt } from "./byte-readers.ts";
import { fieldsPerFunction } from "./emit-encode.ts";
import type { MissingField, ReadLeaf, ReadNode, ReadRecord, ReadStep } from "./resolve-plan.ts";
import { literal, Source } from "./source.ts";

/**
 * Reads the record that lies in `bytes[position, end)`, the range that the source was set to, and leaves in `cursor.at` where it ends.
 * Undefined for bytes that are not plainly right: closures then say what is wrong with them, or read them after all.
 */
export type DecodeFrom = (bytes: Uint8Array, position: number, end: number) => Record<string, unknown> | undefined;

const parameters = "src, pos, end";
const fail = "return undefined;";
const secondsPerDay = 86_400;

/** Makes the function that reads natives by a plan. `source` serves the readers that it borrows from the slower way. */
export function generateDecode(plan: ReadRecord, source: ByteSource): DecodeFrom {
  return new DecodeWalker(source).build(plan);
}

class DecodeWalker {
  readonly #code = new Source();
  readonly #bytes: ByteSource;
  readonly #cursor = this.#code.constant(cursor, "cursor");

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  build(plan: ReadRecord): DecodeFrom {
    return this.#code.build(this.#record(plan)) as DecodeFrom;
  }

  /** The name of a function that reads a record. */
  #record({ reader, steps, missing }: ReadRecord): string {
    const names = reader.fields.map((field) => field.name);
    return steps.length > fieldsPerFunction ? this.#wideRecord(names, steps, missing) : this.#smallRecord(names, steps, missing);
  }

  /** All values are read into variables, and the object is made of them at once: its properties are then known to the engine. */
  #smallRecord(names: readonly string[], steps: readonly ReadStep[], missing: readonly MissingField[]): string {
    const variables = names.map(() => this.#code.name("f"));
    const reads = steps.map(({ target, node }) => {
      const variable = target === undefined ? undefined : variables[target];
      return variable === undefined ? this.#skip(node) : `let ${variable}; ${this.#read(node, variable)}`;
    });
    const defaults = missing.map((field) => `const ${variables[field.target]} = ${this.#default(field)};`);
    const properties = names.map((name, index) => `${literal(name)}: ${variables[index]}`);
    return this.#code.define(
      "record",
      parameters,
      `${reads.join("\n")}\n${defaults.join("\n")}\n${this.#cursor}.at = pos;\nreturn { ${properties.join(", ")} };`,
    );
  }

  /** The engine does not optimise a function beyond some size: several of them fill in an object that has all properties from the start. */
  #wideRecord(names: readonly string[], steps: readonly ReadStep[], missing: readonly MissingField[]): string {
    const code = this.#code;
    const calls: string[] = [];
    for (let from = 0; from < steps.length; from += fieldsPerFunction) {
      const reads = steps.slice(from, from + fieldsPerFunction).map(({ target, node }) => {
        if (target === undefined) return this.#skip(node);
        const variable = code.name("f");
        return `let ${variable}; ${this.#read(node, variable)} r[${literal(names[target] as string)}] = ${variable};`;
      });
      const part = code.define("fields", `r, ${parameters}`, `${reads.join("\n")}\n${this.#cursor}.at = pos;\nreturn r;`);
      calls.push(`if (${part}(r, ${parameters}) === undefined) ${fail} pos = ${this.#cursor}.at;`);
    }
    const defaults = new Map(missing.map((field) => [field.target, this.#default(field)]));
    const properties = names.map((name, index) => `${literal(name)}: ${defaults.get(index) ?? "undefined"}`);
    return code.define("record", parameters, `const r = { ${properties.join(", ")} };\n${calls.join("\n")}\nreturn r;`);
  }

  /** A default is made anew for each record where it holds values. */
  #default({ field }: MissingField): string {
    const make = compileDefault(field) as () => unknown;
    const value = make();
    // Constants are told apart as the keys of a map are: -0 would be 0.
    const fresh = (typeof value === "object" && value !== null) || Object.is(value, -0);
    return fresh ? `${this.#code.constant(make, "make")}()` : this.#code.constant(value);
  }

  /** Code that reads a value into a variable and moves `pos` behind it. */
  #read(node: ReadNode, into: string): string {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "record":
        return this.#call(`${this.#record(node)}(${parameters})`, into);
      case "array":
        return `${into} = []; ${this.#blocks(node.bytesMin, (item) => `let ${item}; ${this.#read(node.items, item)} ${into}.push(${item});`)}`;
      case "map": {
        const key = this.#code.name("key");
        return `${into} = new Map(); ${this.#blocks(1, (item) => `let ${key}; ${this.#text(key)} let ${item}; ${this.#read(node.values, item)} ${into}.set(${key}, ${item});`)}`;
      }
      case "union":
        return this.#branches(node.branches.map((branch) => this.#read(branch, into)));
      case "wrapped": {
        const inner = this.#code.name("w");
        return `let ${inner}; ${this.#read(node.of, inner)} ${into} = { ${node.name === "__proto__" ? '["__proto__"]' : literal(node.name)}: ${inner} };`;
      }
      case "refused":
        return fail;
      case "enum": {
        const symbols = this.#code.constant(node.symbols, "symbols");
        const index = this.#code.name("x");
        // A negative number is no index: it gives undefined, as a symbol that the reader lacks does.
        return `let ${index}; ${this.#int(index)} if (${index} < 0) ${fail} ${into} = ${symbols}[${index}]; if (${into} === undefined) ${fail}`;
      }
      default:
        return this.#leaf(node, into) + this.#promoted(node, into);
    }
  }

  /** Code that moves over a value, which is held to its type all the same. */
  #skip(node: ReadNode): string {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "string":
        return this.#call(`${this.#code.constant(skipTextAt)}(${parameters})`, undefined);
      case "bytes":
        return `{ ${this.#length()} pos = ${this.#cursor}.at + length; }`;
      case "fixed":
        return this.#take((node.schema as AvroFixedSchema).size);
      case "array":
        return this.#blocks(node.bytesMin, () => this.#skip(node.items));
      case "map":
        return this.#blocks(1, () => `${this.#skip({ kind: "string", schema: { type: "string" }, promote: undefined })} ${this.#skip(node.values)}`);
      case "union":
        return this.#branches(node.branches.map((branch) => this.#skip(branch)));
      case "wrapped":
        return this.#skip(node.of);
      default: {
        const unused = this.#code.name("skipped");
        return `let ${unused}; ${this.#read(node, unused)}`;
      }
    }
  }

  /** A loop over the blocks of an array or map. */
  #blocks(bytesMin: number, body: (item: string) => string): string {
    const [count, item] = [this.#code.name("n"), this.#code.name("e")];
    return `for (;;) { if (pos >= end) ${fail} if (src[pos] === 0) { pos++; break; }
const ${count} = ${this.#code.constant(countAt)}(${parameters}, ${bytesMin}); if (!(${count} > 0)) ${fail} pos = ${this.#cursor}.at;
for (let i${count} = 0; i${count} < ${count}; i${count}++) { ${body(item)} } }`;
  }

  #branches(branches: readonly string[]): string {
    const cases = branches.map((branch, index) => `case ${index * 2}: { ${branch} break; }`);
    return `if (pos >= end) ${fail} switch (src[pos++]) { ${cases.join("\n")} default: ${fail} }`;
  }

  /** Code that calls a reader, which gives undefined where it cannot read. */
  #call(call: string, into: string | undefined): string {
    if (into === undefined) return `if (${call} === undefined) ${fail} pos = ${this.#cursor}.at;`;
    return `${into} = ${call}; if (${into} === undefined) ${fail} pos = ${this.#cursor}.at;`;
  }

  #text(into: string): string {
    return this.#call(`${this.#code.constant(textAt(), "text")}(${parameters})`, into);
  }

  #int(into: string): string {
    return this.#varint(intAt, into);
  }

  #long(into: string): string {
    return this.#varint(longAt, into);
  }

  #varint(longer: typeof longAt, into: string): string {
    const byte = this.#code.name("b");
    return `if (pos >= end) ${fail} const ${byte} = src[pos];
if (${byte} < 128) { ${into} = (${byte} >>> 1) ^ -(${byte} & 1); pos++; } else { ${this.#call(`${this.#code.constant(longer)}(${parameters})`, into)} }`;
  }

  /** Declares `length`, within a block of its own: it must be used there. */
  #length(): string {
    return `const length = ${this.#code.constant(lengthAt)}(${parameters}); if (length === undefined) ${fail}`;
  }

  #take(bytes: number): string {
    return `if (end - pos < ${bytes}) ${fail} pos += ${bytes};`;
  }

  #promoted({ promote }: ReadLeaf, into: string): string {
    if (promote === undefined) return "";
    const number = `${this.#code.constant(Number, "number")}(${into})`;
    return ` ${into} = ${promote === "float" ? `${this.#code.constant(Math.fround, "fround")}(${number})` : number};`;
  }

  #leaf(node: ReadLeaf, into: string): string {
    const code = this.#code;
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
    switch (node.kind) {
      case "null":
        return `${into} = null;`;
      case "boolean":
        return `if (pos >= end || src[pos] > 1) ${fail} ${into} = src[pos++] === 1;`;
      case "int":
        return this.#int(into);
      case "date":
        return `${this.#int(into)} if (!${code.constant(isDayInRange)}(${into})) ${fail}`;
      case "long":
      case "timestampNanos":
      case "localTimestampNanos":
        return this.#long(into);
      case "timeMillis":
      case "timeMicros":
        return `${this.#long(into)} if (!(${into} >= 0 && ${into} < ${secondsPerDay * 10 ** fractionDigitsOf(node.kind)})) ${fail}`;
      case "timestampMillis":
      case "timestampMicros":
      case "localTimestampMillis":
      case "localTimestampMicros":
        return `${this.#long(into)} if (!${code.constant(isTimestampInRange)}(${into}, ${fractionDigitsOf(node.kind)})) ${fail}`;
      case "float":
        return `${this.#take(4)} ${into} = ${code.constant(floatAt)}(src, pos - 4);`;
      case "double":
        return `${this.#take(8)} ${into} = ${code.constant(doubleAt)}(src, pos - 8);`;
      case "string":
        return this.#text(into);
      case "uuid": {
        if (node.schema.type !== "string") return this.#borrowed(node, into);
        return `${into} = ${code.constant(uuidAt)}(${parameters}); if (${into} !== undefined) pos = ${this.#cursor}.at; else { ${this.#borrowed(node, into)} }`;
      }
      case "bytes":
        return `{ ${this.#length()} ${into} = ${code.constant(copyAt)}(src, ${this.#cursor}.at, length); pos = ${this.#cursor}.at + length; }`;
      case "fixed": {
        const { size } = node.schema as AvroFixedSchema;
        return `${this.#take(size)} ${into} = ${code.constant(copyAt)}(src, pos - ${size}, ${size});`;
      }
      default:
        return this.#borrowed(node, into);
    }
  }

  /** By a reader of the slower way, which throws what it would have thrown there. */
  #borrowed(node: ReadLeaf, into: string): string {
    const source = this.#code.constant(this.#bytes, "source");
    return `${source}.position = pos; ${into} = ${this.#code.constant(compileLeafReader(node.schema), "borrow")}(${source}); pos = ${source}.position;`;
  }
}

let sharedTextAt: ReturnType<typeof createTextAt> | undefined;

/** One for all decoders: texts do not depend on the schema. */
function textAt(): ReturnType<typeof createTextAt> {
  sharedTextAt ??= createTextAt();
  return sharedTextAt;
}
