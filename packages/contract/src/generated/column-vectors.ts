import type { AvroRecordSchema, AvroTypeSchema } from "../avro/schema.ts";
import { decimalOf } from "../records/json-leaves.ts";
import type { LeafKind, PlanNode } from "./plan.ts";
import { planOf } from "./plan.ts";

/**
 * Values of one column (or of what lies in it) in memory as analytical engines keep them: fixed widths, little-endian, a bit of validity for each.
 * - boolean 1 byte; int and date 4; float 4; double 8 (-0 is 0, and all NaNs are one: engines take them for the same value); long 8; times and
 *   timestamps 8, in microseconds
 * - decimal 2, 4, 8 or 16 bytes for at most 4, 9, 18, 38 digits: the unscaled value in two's complement
 * - uuid 16 bytes: as an integer of 128 bits, the highest bit flipped
 * - string, enum, bytes, fixed: a cell of 16 bytes. Four bytes of length; up to 12 bytes of text stand in the cell itself, the rest of it zero; of a
 *   longer text its first four bytes and, in eight bytes, the address where it lies.
 * - array and map: 16 bytes, the place of the first item among the child's and the number of items, eight bytes each; a map's child is a struct of key
 *   and value
 */
export type ColumnVector = ValueVector | ListVector | StructVector;

/** Kinds whose values are bytes somewhere, with a cell that says where. */
export const cellKinds: ReadonlySet<LeafKind> = new Set(["string", "enum", "bytes", "fixed"]);

/** Items that lists have room for at first; the room grows with them, and shrinks again once a batch has been handed over. */
const itemsFirst = 4_096;
const itemsKeptMax = 65_536;
/** What the items of a column's lists may take: records with more, which are few bytes each and large as items, are left to the slower way. */
const itemBytesMax = 67_108_864;

export class ValueVector {
  readonly kind = "values";
  readonly of: LeafKind;
  /** Bytes of one value. */
  readonly width: number;
  data: Int8Array | Int16Array | Int32Array;
  validity: Uint8Array | undefined;

  constructor({
    schema,
    kind,
    nullable,
    capacity,
  }: {
    readonly schema: AvroTypeSchema;
    readonly kind: LeafKind;
    readonly nullable: boolean;
    readonly capacity: number;
  }) {
    this.of = kind;
    this.width = widthOf(kind, schema);
    this.data = arrayOf(this.width, capacity);
    this.validity = nullable ? validityOf(capacity) : undefined;
  }

  resize(capacity: number): void {
    const before = this.data;
    this.data = arrayOf(this.width, capacity);
    this.data.set(before.subarray(0, this.data.length));
    this.validity = resized(this.validity, capacity);
  }

  clear(): void {
    // Nothing is counted here.
  }
}

export class ListVector {
  readonly kind = "list";
  readonly isMap: boolean;
  readonly width = 16;
  data: Int32Array;
  validity: Uint8Array | undefined;
  readonly child: ColumnVector;
  /** Items of all lists. */
  count = 0;
  /** Items that there is room for. */
  capacity = itemsFirst;
  readonly #batch: { version: number };

  constructor({
    isMap,
    child,
    nullable,
    capacity,
    batch,
  }: {
    readonly isMap: boolean;
    readonly child: ColumnVector;
    readonly nullable: boolean;
    readonly capacity: number;
    readonly batch: { version: number };
  }) {
    this.isMap = isMap;
    this.child = child;
    this.data = new Int32Array(capacity * 4);
    this.validity = nullable ? validityOf(capacity) : undefined;
    this.#batch = batch;
  }

  /** Makes room for more items. False where they would take too much memory. */
  grow(): boolean {
    if (this.capacity * 2 * bytesOf(this.child) > itemBytesMax) return false;
    this.#resizeChild(this.capacity * 2);
    return true;
  }

  resize(capacity: number): void {
    const before = this.data;
    this.data = new Int32Array(capacity * 4);
    this.data.set(before.subarray(0, this.data.length));
    this.validity = resized(this.validity, capacity);
  }

  clear(): void {
    this.count = 0;
    if (this.capacity > itemsKeptMax) this.#resizeChild(itemsFirst);
    this.child.clear();
  }

  #resizeChild(capacity: number): void {
    this.capacity = capacity;
    this.child.resize(capacity);
    this.#batch.version += 1;
  }
}

export class StructVector {
  readonly kind = "struct";
  readonly fields: readonly ColumnVector[];
  validity: Uint8Array | undefined;

  constructor({ fields, nullable, capacity }: { readonly fields: readonly ColumnVector[]; readonly nullable: boolean; readonly capacity: number }) {
    this.fields = fields;
    this.validity = nullable ? validityOf(capacity) : undefined;
  }

  resize(capacity: number): void {
    this.validity = resized(this.validity, capacity);
    for (const field of this.fields) field.resize(capacity);
  }

  clear(): void {
    for (const field of this.fields) field.clear();
  }
}

/** Where bytes lie in memory: an address of 64 bits in two halves. */
export interface Address {
  readonly low: number;
  readonly high: number;
}

/** Rows of a schema as columns, and the block of bytes that they are read from. Decoders of several writers fill the same rows. */
export class ColumnBatch {
  /** In the order of the schema's fields. */
  readonly columns: readonly ColumnVector[];
  /** Rows that there is room for. */
  readonly capacity: number;
  /** Counts the moves of arrays, so that decoders take the new ones. */
  version = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  /** Where a copy of `bytes` lies that lives as long as the cells. */
  low = 0;
  high = 0;

  constructor(columns: (batch: { version: number }) => readonly ColumnVector[], capacity: number) {
    this.columns = columns(this);
    this.capacity = capacity;
  }

  /** The records that are decoded next lie in these bytes. */
  use(bytes: Uint8Array, { low, high }: Address): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.low = low;
    this.high = high;
  }

  /** Starts over with row 0. */
  clear(): void {
    for (const column of this.columns) column.clear();
  }
}

/** Room for rows of a schema; undefined where it has types that columns are not made of, or is too large. */
export function createColumnBatch(schema: AvroRecordSchema, { capacity }: { readonly capacity: number }): ColumnBatch | undefined {
  const plan = planOf(schema);
  if (plan === undefined || !isColumnar(plan)) return undefined;
  const all = { capacity, nullable: false };
  return new ColumnBatch((batch) => plan.fields.map((field) => vectorOf(field.type, { ...all, batch })), capacity);
}

/** What a value takes, but for the items of lists in it. */
function bytesOf(vector: ColumnVector): number {
  return vector.kind === "struct" ? vector.fields.reduce((sum, field) => sum + bytesOf(field), 1) : vector.width + 1;
}

function isColumnar(node: PlanNode): boolean {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
  switch (node.kind) {
    case "nullable":
      return isColumnar(node.of);
    case "array":
      return isColumnar(node.items);
    case "map":
      return isColumnar(node.values);
    case "record":
      return node.fields.length > 0 && node.fields.every((field) => isColumnar(field.type));
    case "decimal":
      return decimalOf(node.schema).precision <= 38;
    case "null":
    case "duration":
    case "timestampNanos":
    case "localTimestampNanos":
      return false;
    default:
      return true;
  }
}

interface Place {
  readonly capacity: number;
  /** What lies in a struct that is null is null too. */
  readonly nullable: boolean;
  readonly batch: { version: number };
}

function vectorOf(node: PlanNode, place: Place): ColumnVector {
  if (node.kind === "nullable") return vectorOf(node.of, { ...place, nullable: true });
  const { capacity, nullable, batch } = place;
  const items = { capacity: itemsFirst, nullable: false, batch };
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
  switch (node.kind) {
    case "record":
      return new StructVector({ fields: node.fields.map((field) => vectorOf(field.type, place)), nullable, capacity });
    case "array":
      return new ListVector({ isMap: false, child: vectorOf(node.items, items), nullable, capacity, batch });
    case "map": {
      const key = new ValueVector({ schema: { type: "string" }, kind: "string", nullable: false, capacity: itemsFirst });
      const child = new StructVector({ fields: [key, vectorOf(node.values, items)], nullable: false, capacity: itemsFirst });
      return new ListVector({ isMap: true, child, nullable, capacity, batch });
    }
    default:
      return new ValueVector({ schema: node.schema, kind: node.kind, nullable, capacity });
  }
}

function widthOf(kind: LeafKind, schema: AvroTypeSchema): number {
  if (cellKinds.has(kind) || kind === "uuid") return 16;
  if (kind === "boolean") return 1;
  if (kind === "int" || kind === "date" || kind === "float") return 4;
  if (kind !== "decimal") return 8;
  const { precision } = decimalOf(schema);
  return precision <= 4 ? 2 : precision <= 9 ? 4 : precision <= 18 ? 8 : 16;
}

function arrayOf(width: number, capacity: number): ValueVector["data"] {
  if (width === 1) return new Int8Array(capacity);
  return width === 2 ? new Int16Array(capacity) : new Int32Array((capacity * width) / 4);
}

/** All valid; whole words of 64 bits. */
function validityOf(capacity: number): Uint8Array {
  return new Uint8Array(Math.ceil(capacity / 64) * 8).fill(255);
}

function resized(validity: Uint8Array | undefined, capacity: number): Uint8Array | undefined {
  if (validity === undefined) return undefined;
  const next = validityOf(capacity);
  next.set(validity.subarray(0, next.length));
  return next;
}
