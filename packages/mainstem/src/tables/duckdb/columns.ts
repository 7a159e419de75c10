import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUUIDValue,
  FLOAT,
  INTEGER,
  LIST,
  MAP,
  STRUCT,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  UUID,
  VARCHAR,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import { isUnion, kindOf, type AvroArraySchema, type AvroMapSchema, type AvroRecordSchema, type AvroSchema, type AvroTypeSchema } from "@mainstem/contract";
import { unreachable } from "../../runtime/assert.ts";
import { MainstemError } from "../../runtime/errors.ts";

/** How the values of one schema are kept in DuckDB, and so in Parquet: each Iceberg type as its specification wants it. */
export interface Column {
  readonly type: DuckDBType;
  /** From the contract's native value. Throws `table.valueRange` for a value that the column cannot hold. */
  toDuckdb(native: unknown): DuckDBValue;
  toNative(value: DuckDBValue): unknown;
}

/** The column of an Avro schema. Only unions of null and one type have one. */
export function columnOf(schema: AvroSchema): Column {
  if (!isUnion(schema)) return typeColumn(schema);
  const [inner] = schema.filter((branch) => branch.type !== "null");
  if (inner === undefined || schema.length !== 2) throw new MainstemError("contract.unsupported", "A table holds no unions but those of null and one type.");
  const column = typeColumn(inner);
  return {
    ...column,
    toDuckdb: (native) => (native === null || native === undefined ? null : column.toDuckdb(native)),
    toNative: (value) => (value === null ? null : column.toNative(value)),
  };
}

function typeColumn(schema: AvroTypeSchema): Column {
  const kind = kindOf(schema);
  switch (kind) {
    case "boolean":
      return plain(BOOLEAN);
    case "int":
      return plain(INTEGER);
    case "long":
      return longColumn;
    case "float":
      return floatColumn(FLOAT);
    case "double":
      return floatColumn(DOUBLE);
    case "string":
    case "enum":
      return plain(VARCHAR);
    case "uuid":
      return uuidColumn;
    case "bytes":
    case "fixed":
      return bytesColumn;
    case "decimal":
      return decimalColumn(schema as { readonly precision: number; readonly scale?: number });
    case "date":
      return dateColumn;
    case "timeMillis":
      return timeColumn(1_000n);
    case "timeMicros":
      return timeColumn(1n);
    case "timestampMillis":
      return instantColumn(TIMESTAMPTZ, 1_000n, DuckDBTimestampTZValue);
    case "timestampMicros":
      return instantColumn(TIMESTAMPTZ, 1n, DuckDBTimestampTZValue);
    case "localTimestampMillis":
      return instantColumn(TIMESTAMP, 1_000n, DuckDBTimestampValue);
    case "localTimestampMicros":
      return instantColumn(TIMESTAMP, 1n, DuckDBTimestampValue);
    case "array":
      return listColumn(columnOf((schema as AvroArraySchema).items));
    case "map":
      return mapColumn(columnOf((schema as AvroMapSchema).values));
    case "record":
      return structColumn((schema as AvroRecordSchema).fields.map((field) => ({ name: field.name, column: columnOf(field.type) })));
    case "null":
    case "timestampNanos":
    case "localTimestampNanos":
    case "duration":
      throw new MainstemError("contract.unsupported", `A table has no columns of type ${kind}.`);
    default:
      return unreachable(kind);
  }
}

function plain(type: DuckDBType): Column {
  return { type, toDuckdb: (native) => native as DuckDBValue, toNative: (value) => value };
}

/** -0 becomes 0, and every NaN the same one: SQL and Parquet's dictionaries take them for one value, so a row could be given the bits of another. */
function floatColumn(type: DuckDBType): Column {
  return { ...plain(type), toDuckdb: (native) => (Number.isNaN(native) ? Number.NaN : (native as number) + 0) };
}

const longColumn: Column = {
  type: BIGINT,
  toDuckdb: (native) => (typeof native === "bigint" ? native : BigInt(native as number)),
  toNative: (value) => safeNumber(value as bigint),
};

/** Years 1 to 9999, as at the door: what all of Iceberg's readers hold. (DuckDB goes further, but keeps ends for infinity, and fails to print others.) */
const daysMin = -719_162;
const daysMax = 2_932_896;
const microsPerDay = 86_400_000_000n;
const microsMin = BigInt(daysMin) * microsPerDay;
const microsMax = BigInt(daysMax + 1) * microsPerDay - 1n;

const dateColumn: Column = {
  type: DATE,
  toDuckdb(native) {
    const days = native as number;
    if (days < daysMin || days > daysMax) throw outOfRange("date");
    return new DuckDBDateValue(days);
  },
  toNative: (value) => (value as DuckDBDateValue).days,
};

function timeColumn(factor: bigint): Column {
  return {
    type: TIME,
    toDuckdb(native) {
      const micros = BigInt(native as number | bigint) * factor;
      if (micros < 0n || micros >= microsPerDay) throw outOfRange("time of day");
      return new DuckDBTimeValue(micros);
    },
    toNative: (value) => Number((value as DuckDBTimeValue).micros / factor),
  };
}

function instantColumn(type: DuckDBType, factor: bigint, Value: typeof DuckDBTimestampTZValue | typeof DuckDBTimestampValue): Column {
  return {
    type,
    toDuckdb(native) {
      const micros = BigInt(native as number | bigint) * factor;
      if (micros < microsMin || micros > microsMax) throw outOfRange("time");
      return new Value(micros);
    },
    toNative: (value) => safeNumber((value as DuckDBTimestampTZValue | DuckDBTimestampValue).micros / factor),
  };
}

const bytesColumn: Column = {
  type: BLOB,
  toDuckdb: (native) => new DuckDBBlobValue(native as Uint8Array),
  // A copy: the value's bytes are DuckDB's.
  toNative: (value) => Uint8Array.from((value as DuckDBBlobValue).bytes),
};

const uuidColumn: Column = {
  type: UUID,
  toDuckdb(native) {
    const hex = (native as string).replaceAll("-", "");
    if (!/^[0-9a-fA-F]{32}$/.test(hex)) throw outOfRange("uuid");
    return DuckDBUUIDValue.fromUint128(BigInt(`0x${hex}`));
  },
  toNative: (value) => (value as DuckDBUUIDValue).toString(),
};

function decimalColumn({ precision, scale = 0 }: { readonly precision: number; readonly scale?: number }): Column {
  const limit = 10n ** BigInt(precision);
  return {
    type: DECIMAL(precision, scale),
    toDuckdb(native) {
      const unscaled = native as bigint;
      if (unscaled >= limit || unscaled <= -limit) throw outOfRange("decimal");
      return new DuckDBDecimalValue(unscaled, precision, scale);
    },
    toNative: (value) => (value as DuckDBDecimalValue).value,
  };
}

function listColumn(items: Column): Column {
  return {
    type: LIST(items.type),
    toDuckdb: (native) => new DuckDBListValue((native as readonly unknown[]).map((item) => items.toDuckdb(item))),
    toNative: (value) => (value as DuckDBListValue).items.map((item) => items.toNative(item)),
  };
}

function mapColumn(values: Column): Column {
  return {
    type: MAP(VARCHAR, values.type),
    toDuckdb: (native) => new DuckDBMapValue(Array.from(native as ReadonlyMap<string, unknown>, ([key, value]) => ({ key, value: values.toDuckdb(value) }))),
    toNative: (value) => new Map((value as DuckDBMapValue).entries.map((entry) => [entry.key as string, values.toNative(entry.value)])),
  };
}

function structColumn(fields: readonly { readonly name: string; readonly column: Column }[]): Column {
  return {
    type: STRUCT(Object.fromEntries(fields.map(({ name, column }) => [name, column.type]))),
    toDuckdb(native) {
      const record = native as Readonly<Record<string, unknown>>;
      return new DuckDBStructValue(Object.fromEntries(fields.map(({ name, column }) => [name, column.toDuckdb(record[name])])));
    },
    toNative(value) {
      const { entries } = value as DuckDBStructValue;
      return Object.fromEntries(fields.map(({ name, column }) => [name, column.toNative(entries[name] ?? null)]));
    },
  };
}

function safeNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function outOfRange(what: string): MainstemError {
  return new MainstemError("table.valueRange", `A ${what} lies outside of what a table can hold.`);
}
