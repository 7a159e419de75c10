import { kindOf, namesOf, unwrapNullable, type AvroField, type AvroRecordSchema, type AvroTypeSchema } from "@mainstem/contract";
import { CliFailure } from "../failure.ts";
import { perhaps } from "../../runtime/nearest-name.ts";

/** The value of one field of a row as JSON takes it; undefined leaves the field out, so that the door fills in its default. */
type Convert = (text: string, quoted: boolean) => unknown;

export interface CsvColumnOptions {
  readonly dataset: string;
  /** Text that means null where it stands without quotes. */
  readonly nullText: string;
}

const wholeNumber = /^[+-]?\d+$/;
const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Makes records of rows, in the JSON form that the door takes; the types come from the dataset's schema. Text that does not look like its type
 * stays text, so that the door names it when it refuses it: nothing is guessed.
 * Errors: `cli.csv` for a header that does not fit the schema.
 */
export function compileCsvRow(
  schema: AvroRecordSchema,
  header: readonly string[],
  options: CsvColumnOptions,
): (texts: readonly string[], quoted: readonly boolean[]) => Record<string, unknown> {
  const names = header.map((name) => name.trim());
  checkHeader(schema, names, options.dataset);
  const columns = names.map((name) => {
    const field = schema.fields.find((one) => namesOf(one).includes(name)) as AvroField;
    return { name: field.name, convert: compileColumn(field, options.nullText) };
  });
  return (texts, quoted) => {
    const record: Record<string, unknown> = {};
    for (const [index, { name, convert }] of columns.entries()) record[name] = convert(texts[index] ?? "", quoted[index] === true);
    return record;
  };
}

function checkHeader({ fields }: AvroRecordSchema, names: readonly string[], dataset: string): void {
  const known = fields.map(({ name }) => name);
  const problems: string[] = [];
  for (const name of new Set(names)) {
    if (!fields.some((field) => namesOf(field).includes(name))) problems.push(`it has no field ${JSON.stringify(name)}${perhaps(name, known)}`);
  }
  for (const field of fields) {
    const { name, default: value } = field;
    const given = names.filter((one) => namesOf(field).includes(one));
    if (given.length > 1) problems.push(`${name} is named twice`);
    else if (given.length === 0 && value === undefined) problems.push(`${name}, which has no default, is missing`);
  }
  if (problems.length === 0) return;
  throw new CliFailure("cli.csv", `The header row does not fit ${dataset}: ${problems.join("; ")}.`, {
    remedy: `The first line names the fields: ${known.join(", ")}. Another delimiter than a comma is given with --delimiter.`,
  });
}

function compileColumn(field: AvroField, nullText: string): Convert {
  const unwrapped = unwrapNullable(field.type);
  // Of a union of several types nobody but the door can say which one a text is.
  if (unwrapped === undefined) return fromJson;
  const { type, nullable } = unwrapped;
  const convert = compileType(type);
  const kind = kindOf(type);
  const hasEmpty = kind === "string" || kind === "bytes";
  if (!nullable) return field.default === undefined || hasEmpty ? convert : (text, quoted) => (text === "" ? undefined : convert(text, quoted));
  return (text, quoted) => ((!quoted && text === nullText) || (text === "" && !hasEmpty) ? null : convert(text, quoted));
}

function compileType(type: AvroTypeSchema): Convert {
  const kind = kindOf(type);
  switch (kind) {
    case "string":
    case "bytes":
    case "fixed":
      return (text) => text;
    case "uuid":
    case "enum":
    case "decimal":
    case "date":
    case "timeMillis":
    case "timeMicros":
    case "localTimestampMillis":
    case "localTimestampMicros":
    case "localTimestampNanos":
      return (text) => text.trim();
    case "int":
    case "long":
    case "timestampMillis":
    case "timestampMicros":
    case "timestampNanos":
      return toWhole;
    case "float":
    case "double":
      return toNumber;
    case "boolean":
      return toBoolean;
    case "null":
      return (text) => (text === "" ? null : text);
    case "array":
    case "map":
    case "record":
    case "duration":
      return fromJson;
    default:
      return kind satisfies never;
  }
}

function toWhole(text: string): number | string {
  const trimmed = text.trim();
  if (!wholeNumber.test(trimmed)) return trimmed;
  const value = Number(trimmed);
  return Number.isSafeInteger(value) ? value : BigInt(trimmed.replace(/^\+/, "")).toString();
}

function toNumber(text: string): number | string {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return number.test(trimmed) && Number.isFinite(value) ? value : trimmed;
}

function toBoolean(text: string): boolean | string {
  const trimmed = text.trim();
  const lower = trimmed.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : trimmed;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
