import { ContractError } from "../errors.ts";
import { faultOfDefault, normalizeDefault } from "./default-value.ts";
import type { AvroField, AvroRecordSchema, AvroSchema, AvroTypeSchema, Issue } from "./schema.ts";
import { fullNameOf, issuesSentence, isUnion, primitiveTypes, schemaLimits } from "./schema.ts";
import { faultOfJson, schemaText, sortJson } from "./schema-text.ts";
import { decimalFault } from "../value-kind.ts";

/**
 * Checks an Avro schema that was parsed from JSON, by `parseExact` where a default may be a long beyond 2^53. Throws `avro.schema` with every fault in
 * `facts.issues`.
 * Beyond the specification it takes what Avro for Java takes too: unions without types, and a type that is defined twice in the same words.
 */
export function parseAvroSchema(json: unknown): AvroSchema {
  const parser = new SchemaParser();
  const schema = parser.parse(json, "");
  const [first] = parser.issues;
  if (first !== undefined) throw new ContractError("avro.schema", issuesSentence("The Avro schema is not valid", parser.issues), { issues: parser.issues });
  return schema;
}

/** As `parseAvroSchema`, for what must be a record. */
export function parseAvroRecordSchema(json: unknown): AvroRecordSchema {
  const schema = parseAvroSchema(json);
  if (isUnion(schema) || schema.type !== "record") {
    const issues: readonly Issue[] = [{ path: "", message: 'The schema must be a record: { "type": "record", "name": …, "fields": […] }.' }];
    throw new ContractError("avro.schema", issuesSentence("The Avro schema is not valid", issues), { issues });
  }
  return schema;
}

type Json = Readonly<Record<string, unknown>>;
interface Place {
  readonly path: string;
  readonly namespace: string | undefined;
  readonly depth: number;
}

interface NamedType {
  readonly schema: AvroTypeSchema;
  /** What it counts for the limit when it is used again; undefined while its definition is open. */
  nodes: number | undefined;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const primitives: ReadonlySet<string> = new Set(primitiveTypes);
const complex: ReadonlySet<string> = new Set(["record", "enum", "array", "map", "fixed"]);
/** Words that say what a type is. On a type that they do not belong to they say nothing, as in Avro for Java. */
const typeWords = ["type", "name", "namespace", "aliases", "fields", "symbols", "size", "items", "values"];
/** What stands in for a part that is wrong, so that the rest is still checked. */
const placeholder: AvroTypeSchema = { type: "null" };

/** Whether a text is a name in Avro's sense: letters, digits and `_`, not starting with a digit. */
export function isAvroName(text: unknown): text is string {
  return typeof text === "string" && namePattern.test(text);
}

/** Brings a schema into its normal form and collects every fault on the way. One parser reads one schema. */
export class SchemaParser {
  readonly issues: Issue[] = [];
  /** Named types by full name. */
  readonly #named = new Map<string, NamedType>();
  /** Checks of defaults whose types were not whole yet. */
  readonly #later: (() => void)[] = [];
  #nodes = 0;
  /** How often a type was named within its own definition. */
  #recursions = 0;

  parse(json: unknown, path: string): AvroSchema {
    const schema = this.#schema(json, { path, namespace: undefined, depth: 0 });
    if (this.issues.length === 0) for (const check of this.#later) check();
    return schema;
  }

  #report(path: string, message: string): AvroTypeSchema {
    if (this.issues.length < schemaLimits.issuesMax) this.issues.push({ path, message });
    return placeholder;
  }

  #schema(json: unknown, place: Place): AvroSchema {
    if (place.depth > schemaLimits.depthMax) return this.#report(place.path, `The schema is nested more than ${schemaLimits.depthMax} deep; make it flatter.`);
    if (!this.#count(1, place.path)) return placeholder;
    if (Array.isArray(json)) return this.#union(json, place);
    return this.#type(json, place);
  }

  #count(nodes: number, path: string): boolean {
    const before = this.#nodes;
    this.#nodes += nodes;
    if (this.#nodes <= schemaLimits.nodesMax) return true;
    if (before <= schemaLimits.nodesMax) this.#report(path, `The schema has more than ${schemaLimits.nodesMax} types and fields; make it smaller.`);
    return false;
  }

  #type(json: unknown, place: Place): AvroTypeSchema {
    if (typeof json === "string") return primitives.has(json) ? ({ type: json } as AvroTypeSchema) : this.#reference(json, place);
    if (json === null) return this.#report(place.path, 'Write the type "null" in quotes: bare it is no name, also in YAML.');
    if (!isObject(json)) return this.#report(place.path, "A schema must be the name of a type, an object with a type, or an array of types.");
    const type = json["type"];
    if (typeof type !== "string") {
      return this.#report(join(place.path, "type"), "The type must be a name, such as string or record; move the inner schema one level up.");
    }
    if (primitives.has(type)) {
      const known = { type, ...this.#logical(json, place.path) };
      return this.#withAttributes(json, known, [...typeWords, ...Object.keys(known)], place.path) as unknown as AvroTypeSchema;
    }
    switch (type) {
      case "array":
        return this.#withAttributes(json, { type, items: this.#child(json, "items", place) }, typeWords, place.path) as unknown as AvroTypeSchema;
      case "map":
        return this.#withAttributes(json, { type, values: this.#child(json, "values", place) }, typeWords, place.path) as unknown as AvroTypeSchema;
      case "record":
      case "enum":
      case "fixed":
        return this.#definition(type, json, place);
      default:
        return this.#reference(type, place);
    }
  }

  #child(json: Json, key: "items" | "values", place: Place): AvroSchema {
    if (json[key] === undefined) return this.#report(place.path, `Say what it holds in "${key}".`);
    return this.#schema(json[key], { ...place, path: join(place.path, key), depth: place.depth + 1 });
  }

  #union(branches: readonly unknown[], place: Place): AvroSchema {
    const seen = new Set<string>();
    return branches.map((branch, index) => {
      const path = `${place.path}[${index}]`;
      if (Array.isArray(branch)) return this.#report(path, "A union must not hold a union; write its types into the outer one.");
      const schema = this.#count(1, path) ? this.#type(branch, { ...place, path, depth: place.depth + 1 }) : placeholder;
      const kind = "name" in schema ? fullNameOf(schema) : schema.type;
      if (schema !== placeholder && seen.has(kind)) this.#report(path, `The union has ${kind} twice; keep one of them.`);
      seen.add(kind);
      return schema;
    });
  }

  #reference(name: string, place: Place): AvroTypeSchema {
    const inner = name.includes(".") || place.namespace === undefined ? name : `${place.namespace}.${name}`;
    // A type without a namespace can be meant within one too: Avro for Java writes it so.
    const known = this.#named.get(inner) ?? this.#named.get(name);
    if (known !== undefined) {
      if (known.nodes === undefined) this.#recursions++;
      return this.#count(known.nodes ?? 0, place.path) ? known.schema : placeholder;
    }
    const hint = complex.has(name)
      ? `write it as an object: { "type": ${JSON.stringify(name)}, … }`
      : `use one of ${primitiveTypes.join(" ")}, or define the type before it is used`;
    return this.#report(place.path, `There is no type ${JSON.stringify(name.slice(0, 100))}; ${hint}.`);
  }

  #definition(type: "record" | "enum" | "fixed", json: Json, place: Place): AvroTypeSchema {
    const identity = this.#identity(json, place);
    if (identity === undefined) return placeholder;
    const full = fullNameOf(identity);
    const before = this.#named.get(full);
    if (before !== undefined && before.nodes === undefined) return this.#report(place.path, `${full} is defined inside itself; write only its name there.`);
    const nodesBefore = this.#nodes;
    const head = { type, ...identity, ...this.#documentation(json, place) };
    // The object comes before what it holds, so that a type can hold itself.
    const schema = { ...head } as unknown as AvroTypeSchema;
    const named: NamedType = { schema, nodes: undefined };
    this.#named.set(full, named);
    const inner: Place = { ...place, namespace: identity.namespace === "" ? undefined : identity.namespace };
    const whole = type === "record" ? this.#record(head, json, inner) : type === "enum" ? this.#enum(head, json, place) : this.#fixed(head, json, place);
    if (whole === placeholder) Object.assign(schema, { fields: [], symbols: [], size: 0 });
    else Object.assign(schema, whole);
    if (before !== undefined && this.issues.length === 0 && schemaText(before.schema) !== schemaText(schema))
      this.#report(place.path, `${full} is defined twice, differently; give one of them another name.`);
    named.nodes = this.#nodes - nodesBefore;
    this.#named.set(full, before ?? named);
    return before?.schema ?? (whole === placeholder ? placeholder : schema);
  }

  #identity(json: Json, place: Place): { readonly name: string; readonly namespace?: string } | undefined {
    const { name, namespace } = json;
    if (typeof name !== "string" || !name.split(".").every(isAvroName)) {
      this.#report(join(place.path, "name"), "The name must consist of letters, digits and _, and not start with a digit.");
      return undefined;
    }
    const dot = name.lastIndexOf(".");
    if (primitives.has(name.slice(dot + 1))) {
      this.#report(join(place.path, "name"), `${name.slice(dot + 1)} is a type of Avro's own; choose another name.`);
      return undefined;
    }
    if (dot >= 0) return { name: name.slice(dot + 1), namespace: name.slice(0, dot) };
    if (namespace === undefined) return place.namespace === undefined ? { name } : { name, namespace: place.namespace };
    if (namespace === "") return place.namespace === undefined ? { name } : { name, namespace };
    if (typeof namespace === "string" && namespace.split(".").every(isAvroName)) return { name, namespace };
    this.#report(join(place.path, "namespace"), "The namespace must consist of names with dots between them.");
    return undefined;
  }

  #documentation(json: Json, place: Place): { readonly doc?: string; readonly aliases?: readonly string[] } {
    const { doc, aliases } = json;
    if (doc !== undefined && typeof doc !== "string") this.#report(join(place.path, "doc"), "The doc must be a text.");
    // Any text may be an alias, so that a name that is none can be mended.
    const named = aliases === undefined || (Array.isArray(aliases) && aliases.every((alias) => typeof alias === "string"));
    if (!named) this.#report(join(place.path, "aliases"), "The aliases must be an array of names.");
    return {
      ...(typeof doc === "string" ? { doc } : {}),
      ...(Array.isArray(aliases) && named ? { aliases: aliases } : {}),
    };
  }

  #record(head: Json, json: Json, place: Place): AvroTypeSchema {
    const list = json["fields"];
    if (!Array.isArray(list)) return this.#report(join(place.path, "fields"), "A record needs an array of fields.");
    const seen = new Set<string>();
    const fields = list.map((item: unknown, index) => {
      const field = this.#field(item, { ...place, path: `${join(place.path, "fields")}[${index}]`, depth: place.depth + 1 });
      if (field !== undefined && seen.has(field.name))
        this.#report(`${join(place.path, "fields")}[${index}].name`, `The record has ${field.name} twice; rename one of them.`);
      if (field !== undefined) seen.add(field.name);
      return field;
    });
    const good = fields.filter((field) => field !== undefined);
    return this.#withAttributes(json, { ...head, fields: good }, [...typeWords, "doc"], place.path) as unknown as AvroRecordSchema;
  }

  #field(json: unknown, place: Place): AvroField | undefined {
    if (!isObject(json)) return void this.#report(place.path, 'A field must be an object: { "name": …, "type": … }.');
    const { name, order } = json;
    if (!isAvroName(name) || name === "__proto__") {
      return void this.#report(join(place.path, "name"), "The name must consist of letters, digits and _, and not start with a digit (nor be __proto__).");
    }
    if (json["type"] === undefined) return void this.#report(place.path, `Field ${name} needs a type.`);
    const orders = ["ascending", "descending", "ignore"];
    if (order !== undefined && !(typeof order === "string" && orders.includes(order)))
      this.#report(join(place.path, "order"), `The order must be one of ${orders.join(" ")}.`);
    const faults = this.issues.length;
    const recursions = this.#recursions;
    const type = this.#schema(json["type"], { ...place, path: join(place.path, "type") });
    const fallback = Object.hasOwn(json, "default") ? { default: this.#kept(json["default"], join(place.path, "default")) } : {};
    const head = { name, type, ...this.#documentation(json, place), ...fallback, ...(order === undefined ? {} : { order }) };
    const field = { ...this.#withAttributes(json, head, ["name", "type", "doc", "aliases", "default", "order"], place.path) };
    if ("default" in fallback && this.issues.length === faults) {
      const check = (): void => {
        const fault = faultOfDefault(type, fallback.default);
        if (fault !== undefined) this.#report(join(place.path, "default"), fault);
        else field["default"] = normalizeDefault(type, fallback.default);
      };
      if (this.#recursions === recursions) check();
      else this.#later.push(check);
    }
    return field as unknown as AvroField;
  }

  #enum(head: Json, json: Json, place: Place): AvroTypeSchema {
    const { symbols, default: fallback } = json;
    if (Array.isArray(symbols) && symbols.includes(null))
      return this.#report(join(place.path, "symbols"), 'Write the symbol "null" in quotes: bare it is no text, also in YAML.');
    if (!Array.isArray(symbols) || !symbols.every(isAvroName)) {
      return this.#report(join(place.path, "symbols"), "An enum needs an array of symbols, each of letters, digits and _, not starting with a digit.");
    }
    if (new Set(symbols).size !== symbols.length) this.#report(join(place.path, "symbols"), "Every symbol may stand there only once.");
    if (fallback !== undefined && !symbols.includes(fallback as string)) this.#report(join(place.path, "default"), "The default must be one of the symbols.");
    const known = { ...head, symbols, ...(fallback === undefined ? {} : { default: fallback }) };
    return this.#withAttributes(json, known, [...typeWords, "doc", "default"], place.path) as unknown as AvroTypeSchema;
  }

  #fixed(head: Json, json: Json, place: Place): AvroTypeSchema {
    const { size } = json;
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0 || size > 1_048_576) {
      return this.#report(join(place.path, "size"), "A fixed type needs its size in bytes, from 0 to 1048576.");
    }
    const logical = this.#logical(json, place.path);
    return this.#withAttributes(json, { ...head, size, ...logical }, [...typeWords, "doc", ...Object.keys(logical)], place.path) as unknown as AvroTypeSchema;
  }

  #logical(json: Json, path: string): Json {
    const { logicalType, precision, scale } = json;
    const isDecimal = logicalType === "decimal" && decimalFault({ type: "bytes", logicalType, precision, scale } as AvroTypeSchema) === undefined;
    if (isDecimal) return { logicalType, precision, scale: scale ?? 0 };
    // What is no decimal, or no logical type at all, counts as the type beneath (`kindOf`): its attributes are kept as they are.
    const words = logicalType === "decimal" ? ["logicalType", "precision", "scale"] : ["logicalType"];
    return Object.fromEntries(words.filter((word) => json[word] !== undefined).map((word) => [word, this.#kept(json[word], join(path, word))]));
  }

  /** A JSON value that is kept as it is, with its keys sorted. */
  #kept(json: unknown, path: string): unknown {
    const fault = faultOfJson(json);
    return fault === undefined ? sortJson(json) : this.#report(path, fault);
  }

  /** `known` plus every attribute that Avro does not know. */
  #withAttributes(json: Json, known: Json, taken: readonly string[], path: string): Json {
    const extra = Object.keys(json)
      .filter((key) => !taken.includes(key) && json[key] !== undefined)
      .sort()
      .map((key) => [key, this.#kept(json[key], join(path, key))] as const);
    return extra.length === 0 ? known : { ...known, ...Object.fromEntries(extra) };
  }
}

function isObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
