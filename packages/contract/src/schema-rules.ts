import type { AvroField, AvroRecordSchema, AvroSchema, AvroTypeSchema } from "./avro/schema.ts";
import { attributeOf, fullNameOf, isRecursive, isUnion, logicalTypeOf, unwrapNullable } from "./avro/schema.ts";
import { faultOfDefault } from "./avro/default-value.ts";
import { isAvroName } from "./avro/schema-parser.ts";
import { clockAttribute, isClock } from "./clock/hlc.ts";
import type { IssueList } from "./issue-list.ts";
import { decimalPrecisionMax } from "./records/decimal.ts";
import { basesOf, decimalFault } from "./value-kind.ts";

const fixes: Readonly<Record<string, string>> = {
  "timestamp-nanos": "A table holds no nanoseconds; use timestamp-micros.",
  "local-timestamp-nanos": "A table holds no nanoseconds; use local-timestamp-micros.",
  duration: "A table holds no durations; use a long and say the unit in its name, such as waitedMs.",
};

/** What says nothing beside a field's type, and so was meant to stand within it. */
const typeAttributes = ["logicalType", "precision", "scale", clockAttribute, "items", "values", "symbols", "fields"];

/** What a contract demands of its schema beyond what Avro does. */
export function checkContractSchema(schema: AvroRecordSchema, options: { readonly dataset: string; readonly issues: IssueList }): void {
  const { dataset, issues } = options;
  if (dataset !== "" && fullNameOf(schema) !== dataset) {
    const [namespace, name] = dataset.split(".");
    issues.invalid("schema.name", `The schema must be named as the dataset: "name": "${name}", "namespace": "${namespace}".`);
  }
  for (const [index, field] of schema.fields.entries()) {
    if (field.name.toLowerCase().startsWith("_mainstem"))
      issues.invalid(`schema.fields[${index}].name`, "Field names that start with _mainstem belong to Mainstem itself; choose another name.");
  }
  if (isRecursive(schema)) {
    issues.unsupported(
      "schema",
      "The schema contains itself, which no table can hold. Give each level a record of its own name, or make each node a record of the dataset that names its parent's key.",
    );
    return;
  }
  checkRecord(schema, "schema", issues);
  checkNames(schema, issues);
}

/** Every name, today's or an earlier one, is that of one field: records of all times are read by it. */
function checkNames(schema: AvroRecordSchema, issues: IssueList): void {
  const owners = new Map(schema.fields.map((field) => [field.name.toLowerCase(), field]));
  for (const [index, field] of schema.fields.entries()) {
    for (const [at, alias] of (field.aliases ?? []).entries()) {
      const place = `schema.fields[${index}].aliases[${at}]`;
      const owner = owners.get(alias.toLowerCase());
      if (!isAvroName(alias)) issues.invalid(place, "An alias must be a field's name: letters, digits and _, not starting with a digit.");
      else if (alias === field.name) issues.invalid(place, `${alias} is the name itself; leave the alias out.`);
      else if (alias.toLowerCase().startsWith("_mainstem"))
        issues.invalid(place, "Field names that start with _mainstem belong to Mainstem itself; leave the alias out.");
      else if (owner !== undefined && owner !== field)
        issues.invalid(place, `${alias} is a name of ${owner.name} too, and a name belongs to one field. To swap names, go by names that no field has had.`);
      owners.set(alias.toLowerCase(), field);
    }
  }
}

function checkSchema(schema: AvroSchema, path: string, issues: IssueList): void {
  const own = unwrapNullable(schema);
  if (own === undefined) {
    issues.unsupported(path, 'The only unions that are supported are of null and one type: ["null", X]. Use a record with a nullable field for each case.');
    return;
  }
  const inner = isUnion(schema) ? `${path}[${schema.indexOf(own.type)}]` : path;
  if (own.type.type === "null") issues.unsupported(inner, "A field that is always null holds nothing; leave it out.");
  checkLogicalType(own.type, inner, issues);
  checkAliases(own.type, inner, issues);
  if (own.type.type === "record") checkRecord(own.type, inner, issues);
  if (own.type.type === "array") checkSchema(own.type.items, `${inner}.items`, issues);
  if (own.type.type === "map") checkSchema(own.type.values, `${inner}.values`, issues);
  if (own.type.type === "enum" && own.type.symbols.length === 0) issues.invalid(`${inner}.symbols`, "An enum needs at least one symbol.");
  if (own.type.type === "fixed" && own.type.size === 0) issues.invalid(`${inner}.size`, "A fixed type of no bytes holds nothing.");
}

function checkRecord(schema: AvroRecordSchema, path: string, issues: IssueList): void {
  if (schema.fields.length === 0) issues.invalid(`${path}.fields`, "A record needs at least one field.");
  const top = path === "schema";
  checkAliases(schema, path, issues);
  const seen = new Map<string, string>();
  for (const [index, field] of schema.fields.entries()) {
    const place = `${path}.fields[${index}]`;
    const lower = field.name.toLowerCase();
    const twin = seen.get(lower);
    if (twin !== undefined && twin !== field.name)
      issues.invalid(`${place}.name`, `${field.name} and ${twin} differ only in case, which SQL does not tell apart; rename one of them.`);
    seen.set(lower, field.name);
    if (!top) checkAliases(field, place, issues);
    const pii = attributeOf(field, "pii");
    if (pii !== undefined && typeof pii !== "boolean") issues.invalid(`${place}.pii`, "pii must be true or false.");
    for (const word of typeAttributes) {
      if (attributeOf(field, word) !== undefined)
        issues.invalid(`${place}.${word}`, `"${word}" belongs inside the type: { "name": "${field.name}", "type": { "type": …, "${word}": … } }.`);
    }
    checkSchema(field.type, `${place}.type`, issues);
    const fallback = isUnion(field.type) && field.default !== undefined ? faultOfDefault(field.type[0] ?? [], field.default) : undefined;
    if (fallback !== undefined) issues.invalid(`${place}.default`, `${fallback} The default of a union belongs to its first type: put that type first.`);
  }
}

function checkAliases(holder: AvroTypeSchema | AvroField, path: string, issues: IssueList): void {
  if ("aliases" in holder && holder.aliases !== undefined)
    issues.unsupported(
      `${path}.aliases`,
      "Aliases are for the fields of the dataset itself; what is inside of them, types, and the schema keep their names. Leave the aliases out.",
    );
}

function checkLogicalType(schema: AvroTypeSchema, path: string, issues: IssueList): void {
  if (attributeOf(schema, clockAttribute) !== undefined && (!isClock(schema) || logicalTypeOf(schema) !== undefined))
    issues.invalid(`${path}.${clockAttribute}`, `${clockAttribute} must be "hlc", on a long without a logical type.`);
  const place = `${path}.logicalType`;
  const logicalType = logicalTypeOf(schema);
  if (logicalType === undefined) {
    if (attributeOf(schema, "logicalType") !== undefined) issues.invalid(place, "The logical type must be a text.");
    return;
  }
  const bases = basesOf(logicalType);
  const fix = logicalType === "uuid" && schema.type === "fixed" ? "A uuid in a dataset is a string; write it there." : fixes[logicalType];
  if (fix !== undefined) issues.unsupported(place, fix);
  else if (bases.length === 0) issues.unsupported(place, `The logical type ${JSON.stringify(logicalType.slice(0, 100))} is not known here; leave it out.`);
  else if (!bases.includes(schema.type)) issues.invalid(place, `${logicalType} belongs on ${bases.join(" or ")}, not on ${schema.type}.`);
  else if (logicalType === "decimal") checkDecimal(schema, path, issues);
}

function checkDecimal(schema: AvroTypeSchema, path: string, issues: IssueList): void {
  const fault = decimalFault(schema);
  const precision = "precision" in schema ? (schema.precision ?? 0) : 0;
  if (precision > decimalPrecisionMax) issues.unsupported(`${path}.precision`, `Decimals have at most ${decimalPrecisionMax} digits; tables cannot hold more.`);
  else if (fault !== undefined) issues.invalid(`${path}.${fault.at}`, fault.message);
}
