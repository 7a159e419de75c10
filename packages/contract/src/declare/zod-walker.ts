import type { z } from "zod";
import { globalRegistry } from "zod";
import { isAvroName } from "../avro/schema-parser.ts";
import { sameJson } from "../avro/schema-text.ts";
import type { Check } from "../contract.ts";
import type { IssueList } from "../issue-list.ts";
import { constantOf, defaultOf } from "./zod-default.ts";
import type { ZodCheckDef } from "./zod-refinements.ts";
import { patternOf, toChecks } from "./zod-refinements.ts";

/** A Zod type's definition, as far as it is looked at. Zod's own types of it are one union of dozens. */
interface ZodDef extends Partial<ZodCheckDef> {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly keyType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly catchall?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
  readonly defaultValue?: unknown;
  readonly checks?: readonly { readonly _zod: { readonly def: ZodCheckDef } }[];
  readonly coerce?: boolean;
  readonly version?: string;
  readonly local?: boolean;
  readonly precision?: number | null;
}

/** A type without its wrappers, and what they said. */
interface Unwrapped {
  readonly type: z.core.$ZodType;
  readonly def: ZodDef;
  readonly nullable: boolean;
  readonly optional: boolean;
  /** In an array, so that `undefined` can be told from nothing. */
  readonly fallback: readonly [unknown] | undefined;
  readonly meta: { readonly description?: string; readonly pii?: unknown; readonly avro?: unknown; readonly aliases?: unknown };
}

interface Place {
  /** As `address.zip`; `[]` and `{}` stand for what is within arrays and maps. */
  readonly path: string;
  readonly depth: number;
}
/** An Avro type as JSON. `pii`: something within is personal that has no field of its own to say so. */
interface Typed {
  readonly json: unknown;
  readonly pii: boolean;
}

const depthMax = 32;
const text: Typed = { json: "string", pii: false };
const noRecursion =
  "no table can hold a type that contains itself: write each level as an object of its own, or make each node a record that names the key of its parent";
/** What to write instead of a Zod type that has no form. */
const fixes: Readonly<Record<string, string>> = {
  date: "use timestamp() or date(), which are text in JSON",
  any: "say what it holds, or use z.string() with JSON text in it",
  unknown: "say what it holds, or use z.string() with JSON text in it",
  tuple: "use a z.object() with a name for each place",
  set: "use z.array()",
  map: "use z.record(z.string(), …)",
  pipe: "declare what is sent, without transform, preprocess, pipe or codec",
  transform: "declare what is sent, without transform",
  lazy: noRecursion,
  null: "leave the field out, or use .nullable() on another type",
  undefined: "leave the field out",
  void: "leave the field out",
  never: "leave the field out",
  nan: "use z.number()",
  symbol: "use z.enum()",
  file: "use bytes(), or keep files elsewhere and send their address",
  intersection: "use z.object() with .extend()",
  template_literal: "use z.string().regex()",
  catch: "use .default(), or leave .catch() out: a bad value is refused",
  prefault: "use .default()",
  nonoptional: "declare the inner type without .optional()",
};

/** Turns a Zod object into an Avro record in JSON, collecting checks and faults on the way. */
export class ZodWalker {
  readonly checks: Check[] = [];
  readonly #dataset: string;
  readonly #issues: IssueList;
  /** The same Zod object used twice is one Avro type. */
  readonly #records = new Map<z.core.$ZodType, Typed>();
  /** Objects whose fields are being looked at. */
  readonly #open = new Set<z.core.$ZodType>();

  constructor(dataset: string, issues: IssueList) {
    this.#dataset = dataset;
    this.#issues = issues;
  }

  root(schema: z.core.$ZodType): unknown {
    const own = this.#unwrap(schema, { path: "", depth: 0 });
    const [namespace, name] = this.#dataset.split(".");
    if (own.def.type !== "object" || own.nullable || own.optional) return this.#issues.invalid("schema", "The schema of a dataset must be a z.object({ … }).");
    if (own.meta.pii !== undefined) this.#issues.invalid("schema", "Mark the fields that hold personal data with .meta({ pii: true }), not the whole record.");
    const fields = this.#fields(own.def, { path: "", depth: 0 });
    return { type: "record", name, namespace, ...(own.meta.description === undefined ? {} : { doc: own.meta.description }), fields };
  }

  #refuse(place: Place, sentence: string): Typed {
    this.#issues.unsupported(schemaPath(place), sentence);
    return text;
  }

  #fields(def: ZodDef, place: Place): readonly unknown[] {
    if (def.catchall !== undefined && defOf(def.catchall).type !== "never")
      this.#refuse(place, "The door refuses unknown fields: use z.object(), not z.looseObject() or .catchall().");
    this.#refuseChecks(def, place);
    return Object.entries(def.shape ?? {}).map(([name, type]) =>
      this.#field(name, type, { path: place.path === "" ? name : `${place.path}.${name}`, depth: place.depth + 1 }),
    );
  }

  #field(name: string, type: z.core.$ZodType, place: Place): unknown {
    if (!isAvroName(name)) this.#issues.invalid(`schema.${place.path}`, "Field names must consist of letters, digits and _, and not start with a digit.");
    const own = this.#unwrap(type, place);
    const inner = this.#typeOf(own, place);
    const { description, pii, aliases } = own.meta;
    const nullable = own.nullable || own.optional;
    const missing = own.fallback ?? (own.optional ? ([null] as const) : undefined);
    // A union's default belongs to its first type.
    const union = missing === undefined || missing[0] === null ? ["null", inner.json] : [inner.json, "null"];
    const json = nullable ? union : inner.json;
    const fallback = missing === undefined ? undefined : defaultOf(json, missing[0]);
    if (fallback !== undefined && "fault" in fallback) this.#issues.invalid(`schema.${place.path}`, fallback.fault);
    return {
      name,
      type: json,
      ...(description === undefined ? {} : { doc: description }),
      ...(fallback !== undefined && "json" in fallback ? { default: fallback.json } : {}),
      ...(pii === true || inner.pii ? { pii: true } : {}),
      // The contract's parser says what an alias may be, and where.
      ...(aliases === undefined ? {} : { aliases }),
    };
  }

  /** Takes the wrappers off, keeping what they say and every piece of metadata on the way: the outer one counts, a pii mark always does. */
  #unwrap(outer: z.core.$ZodType, place: Place): Unwrapped {
    let type = outer;
    let meta: Unwrapped["meta"] = {};
    let nullable = false;
    let optional = false;
    let fallback: readonly [unknown] | undefined;
    for (;;) {
      const def = defOf(type);
      const own = metaOf(type);
      if (own?.pii !== undefined && typeof own.pii !== "boolean") this.#issues.invalid(schemaPath(place), "pii must be true or false.");
      const pii = own?.pii === true || meta.pii === true ? { pii: true } : {};
      meta = { ...own, ...meta, ...pii };
      const next = def.type === "union" ? unionWithNull(def) : "innerType" in def ? (def.innerType ?? noType) : undefined;
      if (next === undefined) return { type, def, nullable, optional, fallback, meta };
      if (checksOf(def).length > 0)
        this.#refuse(place, "Refinements belong to the type itself: write them before .optional(), .nullable(), .default() and .readonly().");
      if (def.type === "nullable" || def.type === "union") nullable = true;
      else if (def.type === "optional") optional = true;
      else if (def.type === "default") fallback ??= this.#fallback(def, place);
      else if (def.type !== "readonly") return { type, def, nullable, optional, fallback, meta };
      type = next;
    }
  }

  #fallback(def: ZodDef, place: Place): readonly [unknown] {
    // Zod calls a default that is a function.
    const { value, constant } = constantOf(() => def.defaultValue);
    if (!constant) this.#refuse(place, "A default must be a constant: the platform fills it in, and everybody must see the same.");
    return [value];
  }

  #typeOf(own: Unwrapped, place: Place): Typed {
    if (place.depth > depthMax) return this.#refuse(place, `The schema is nested more than ${depthMax} deep; make it flatter.`);
    if (own.meta.avro !== undefined) return this.#replaced(own, place);
    const { def } = own;
    if (def.coerce === true) this.#refuse(place, "The door does not change values: leave out z.coerce.");
    switch (def.type) {
      case "string":
        return this.#string(def, place);
      case "number":
        return this.#number(def, place);
      case "bigint":
        if (def.format === "uint64") return this.#refuse(place, "Unsigned 64-bit numbers have no Avro type; use z.int64(), or decimal(20, 0).");
        this.#addChecks(def.checks, { place, whole: true });
        return { json: "long", pii: false };
      case "boolean":
        this.#refuseChecks(def, place);
        return { json: "boolean", pii: false };
      case "enum":
        return this.#enum(Object.values(def.entries ?? {}), def, place);
      case "literal":
        return this.#enum(def.values ?? [], def, place);
      case "array": {
        this.#addChecks(def.checks, { place, whole: false });
        const items = this.#inner(def.element as z.core.$ZodType, { path: `${place.path}[]`, depth: place.depth + 1 });
        return { json: { type: "array", items: items.json }, pii: items.pii };
      }
      case "record":
        return this.#map(def, place);
      case "object":
        return this.#object(own, place);
      case "foreign":
        return this.#refuse(place, "This is no type of Zod 4: take z from zod 4; where it is undefined, two modules may import one another.");
      case "union":
        return this.#refuse(place, `z.union() has no form in a contract; ${insteadOfUnion(def)}.`);
      default:
        return this.#refuse(place, `z.${def.type}() has no form in a contract; ${fixes[def.type] ?? "use another type, or .meta({ avro: … })"}.`);
    }
  }

  /** The Avro type that stands in place of Zod's. Refinements hold all the same, and so does a format of texts where it is a text still. */
  #replaced({ type, def, meta }: Unwrapped, place: Place): Typed {
    this.#addChecks(def.checks, { place, whole: false });
    const isText = meta.avro === "string" || sameJson(meta.avro, { type: "string" });
    if (isText && def.type === "string" && def.format !== undefined) this.#add(patternOf(def as ZodCheckDef, place.path), place);
    if (partsOf(type).some((part) => anyWithin(part, isRefined)))
      this.#refuse(place, "Refinements within a type that .meta({ avro }) replaces have no form as a check; leave them out.");
    return { json: meta.avro, pii: anyWithin(type, isPersonal) };
  }

  /** What an array or a map holds. */
  #inner(type: z.core.$ZodType, place: Place): Typed {
    const own = this.#unwrap(type, place);
    if (own.meta.aliases !== undefined) this.#refuse(place, "What an array or a record holds has no name, and so no aliases; leave them out.");
    if (own.optional || own.fallback !== undefined)
      this.#refuse(place, "What an array or a record holds cannot be optional or have a default; use .nullable().");
    const inner = this.#typeOf(own, place);
    return { json: own.nullable ? ["null", inner.json] : inner.json, pii: inner.pii || own.meta.pii === true };
  }

  #map(def: ZodDef, place: Place): Typed {
    this.#refuseChecks(def, place);
    const key = defOf(def.keyType as z.core.$ZodType);
    if (key.type !== "string" || key.format !== undefined || (key.checks?.length ?? 0) > 0)
      this.#refuse(place, "The keys of a record must be any texts: z.record(z.string(), …). For known keys use z.object().");
    const values = this.#inner(def.valueType as z.core.$ZodType, { path: `${place.path}{}`, depth: place.depth + 1 });
    return { json: { type: "map", values: values.json }, pii: values.pii || anyWithin(def.keyType as z.core.$ZodType, isPersonal) };
  }

  #object(own: Unwrapped, place: Place): Typed {
    // Also a type that is known is walked again: its checks belong to this path too.
    if (this.#open.has(own.type)) return this.#refuse(place, `z.object() holds itself here, and ${noRecursion}.`);
    this.#open.add(own.type);
    const fields = this.#fields(own.def, place);
    this.#open.delete(own.type);
    const typed = this.#records.get(own.type) ?? { json: { type: "record", name: this.#nameOf(place), fields }, pii: false };
    this.#records.set(own.type, typed);
    return typed;
  }

  #string(def: ZodDef, place: Place): Typed {
    const formats = [def, ...checksOf(def)].filter((check) => check.format !== undefined) as ZodDef[];
    const known = formats.map((format) => this.#stringFormat(format, place)).find((typed) => typed !== undefined);
    if (known !== undefined) {
      const others = checksOf(def).filter((check) => !formats.includes(check as ZodDef));
      if (formats.length > 1 || others.length > 0) this.#refuse(place, "A uuid, date or time takes no further refinements; leave them out.");
      return known;
    }
    if (def.format !== undefined) this.#add(patternOf(def as ZodCheckDef, place.path), place);
    this.#addChecks(def.checks, { place, whole: false });
    return text;
  }

  /** Formats that are Avro types of their own. */
  #stringFormat(def: ZodDef, place: Place): Typed | undefined {
    switch (def.format) {
      case "uuid":
      case "guid":
        if (def.version !== undefined) return this.#refuse(place, "The version of a uuid is not checked; use z.uuid().");
        return { json: { type: "string", logicalType: "uuid" }, pii: false };
      case "date":
        return { json: { type: "int", logicalType: "date" }, pii: false };
      case "datetime":
        if (def.local === true)
          return this.#refuse(
            place,
            "A time without a zone is never guessed: use timestamp() for instants, localTimestamp() for what a clock on the wall shows.",
          );
        if (def.precision !== undefined && def.precision !== null)
          return this.#refuse(place, "The number of digits of a time is not checked; use timestamp() or timestampMillis().");
        return { json: { type: "long", logicalType: "timestamp-micros" }, pii: false };
      case "time":
        if (def.precision !== undefined && def.precision !== null)
          return this.#refuse(place, "The number of digits of a time is not checked; use timeOfDay().");
        return { json: { type: "long", logicalType: "time-micros" }, pii: false };
      case undefined:
      default:
        return undefined;
    }
  }

  #number(def: ZodDef, place: Place): Typed {
    const formats = new Set([def, ...checksOf(def)].flatMap((check) => (check.format === undefined ? [] : [check.format])));
    const whole = formats.has("int32") || formats.has("uint32") || formats.has("safeint");
    this.#addChecks(def.checks, { place, whole });
    if (formats.has("int32")) return { json: "int", pii: false };
    if (formats.has("uint32")) this.#add({ check: { kind: "range", field: place.path, min: 0, max: 4_294_967_295 } }, place);
    if (whole) return { json: "long", pii: false };
    return { json: formats.has("float32") ? "float" : "double", pii: false };
  }

  /** Texts that are Avro names are an enum, others a string with a check; whole numbers are a long with a check. */
  #enum(values: readonly unknown[], def: ZodDef, place: Place): Typed {
    this.#refuseChecks(def, place);
    if (values.length > 0 && values.every(isAvroName)) return { json: { type: "enum", name: this.#nameOf(place), symbols: values }, pii: false };
    const strings = values.filter((value) => typeof value === "string");
    const numbers = values.filter((value) => typeof value === "number" && Number.isSafeInteger(value)) as number[];
    if (values.length > 0 && strings.length === values.length) {
      this.#add({ check: { kind: "oneOf", field: place.path, values: strings } }, place);
      return text;
    }
    if (values.length === 0 || numbers.length !== values.length || def.type === "enum") {
      return this.#refuse(place, "The values of an enum must be texts, those of a literal texts or whole numbers.");
    }
    this.#add({ check: { kind: "oneOf", field: place.path, values: numbers } }, place);
    return { json: "long", pii: false };
  }

  #nameOf(place: Place): string {
    const short = this.#dataset.slice(this.#dataset.indexOf(".") + 1);
    return `${short}_${place.path.replaceAll("[]", "_item").replaceAll("{}", "_value").replaceAll(".", "_")}`;
  }

  #addChecks(checks: ZodDef["checks"], options: { readonly place: Place; readonly whole: boolean }): void {
    const defs = (checks ?? []).map(({ _zod: { def } }) => def);
    for (const refinement of toChecks(defs, { field: options.place.path, whole: options.whole })) this.#add(refinement, options.place);
  }

  #add(refinement: { readonly check: Check } | { readonly refused: string }, place: Place): void {
    if ("refused" in refinement) this.#refuse(place, refinement.refused);
    else if (/\[\]|\{\}/.test(place.path)) this.#refuse(place, "Refinements of what an array or a record holds have no form as a check; leave them out.");
    else this.checks.push(refinement.check);
  }

  #refuseChecks(def: ZodDef, place: Place): void {
    for (const refinement of toChecks(checksOf(def), { field: place.path, whole: false })) {
      this.#refuse(place, "refused" in refinement ? refinement.refused : `Refinements of z.${def.type}() have no form as a check; leave them out.`);
    }
  }
}

function schemaPath({ path }: Place): string {
  return path === "" ? "schema" : `schema.${path}`;
}

/** What the fields may hold is not known: modules are run without their types being checked, and an import in a cycle is undefined still. */
const foreign: ZodDef = { type: "foreign" };
/** Within a wrapper, where undefined says that there is none. */
const noType = null as unknown as z.core.$ZodType;

function defOf(type: z.core.$ZodType): ZodDef {
  if (!isZod(type)) return foreign;
  const {
    _zod: { def },
  } = type;
  return def;
}

/** Whether a value is a type of Zod 4. Zod 3 looks much the same. */
export function isZod(type: unknown): boolean {
  return typeof type === "object" && type !== null && "_zod" in type;
}

function metaOf(type: z.core.$ZodType): Unwrapped["meta"] | undefined {
  return isZod(type) ? (globalRegistry.get(type) as Unwrapped["meta"] | undefined) : undefined;
}

/** Whether a type, or anything within it, is so: where `.meta({ avro })` takes the type's place, and in keys, nothing within has a field of its own. */
function anyWithin(type: z.core.$ZodType, isSo: (type: z.core.$ZodType) => boolean, seen: Set<z.core.$ZodType> = new Set()): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return isSo(type) || partsOf(type).some((part) => anyWithin(part, isSo, seen));
}

function partsOf(type: z.core.$ZodType): readonly z.core.$ZodType[] {
  const { innerType, element, keyType, valueType, options = [], shape = {} } = defOf(type);
  return [innerType, element, keyType, valueType, ...options, ...Object.values(shape)].filter((part) => part !== undefined);
}

function isPersonal(type: z.core.$ZodType): boolean {
  return metaOf(type)?.pii === true;
}

function isRefined(type: z.core.$ZodType): boolean {
  return toChecks(checksOf(defOf(type)), { field: "", whole: false }).length > 0;
}

function checksOf(def: ZodDef): readonly ZodCheckDef[] {
  return (def.checks ?? []).map(({ _zod: { def: check } }) => check);
}

/** What to write instead of a union. */
function insteadOfUnion({ options = [] }: ZodDef): string {
  const types = new Set(options.map((option) => defOf(option).type));
  const wrappers = [types.delete("undefined") ? ".optional()" : "", types.delete("null") ? ".nullable()" : ""].join("");
  const isChoice = types.size > 0 && [...types].every((type) => type === "literal" || type === "enum");
  if (isChoice) return `use z.enum([…])${wrappers} for texts, z.literal([…])${wrappers} for whole numbers`;
  const one = options.filter((option) => !["undefined", "null"].includes(defOf(option).type)).length === 1;
  return one && wrappers !== "" ? `use ${wrappers} on the type` : "use a z.object() with a nullable field for each case";
}

/** The other type of `z.union([X, z.null()])`; undefined for every other union. */
function unionWithNull(def: ZodDef): z.core.$ZodType | undefined {
  const options = def.options ?? [];
  const others = options.filter((option) => defOf(option).type !== "null");
  return options.length === 2 && others.length === 1 ? (others[0] ?? noType) : undefined;
}
