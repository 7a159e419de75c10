import type { AvroField, AvroSchema } from "./avro/schema.ts";
import { isUnion } from "./avro/schema.ts";
import { ContractError } from "./errors.ts";
import type { IssueList } from "./issue-list.ts";
import { compileDefault } from "./records/native-reader.ts";

/**
 * Every default must be a value that a record could have: Avro checks it by the plain type only, and a text that is no uuid, or a day beyond the
 * year 9999, would make every record unreadable that lacks the field.
 */
export function checkDefaults(schema: AvroSchema, options: { readonly path: string; readonly issues: IssueList }): void {
  walk(schema, { ...options, seen: new Set() });
}

interface Place {
  readonly path: string;
  readonly issues: IssueList;
  readonly seen: Set<AvroSchema>;
}

function walk(schema: AvroSchema, place: Place): void {
  if (isUnion(schema)) schema.forEach((branch, index) => walk(branch, { ...place, path: `${place.path}[${index}]` }));
  else if (schema.type === "array") walk(schema.items, { ...place, path: `${place.path}.items` });
  else if (schema.type === "map") walk(schema.values, { ...place, path: `${place.path}.values` });
  else if (schema.type === "record" && !place.seen.has(schema)) {
    place.seen.add(schema);
    for (const [index, field] of schema.fields.entries()) {
      const path = `${place.path}.fields[${index}]`;
      walk(field.type, { ...place, path: `${path}.type` });
      const fault = faultOf(field);
      if (fault !== undefined) place.issues.invalid(`${path}.default`, `The default of ${field.name} is no value that a record could have: ${fault}`);
    }
  }
}

function faultOf(field: AvroField): string | undefined {
  try {
    compileDefault(field)?.();
    return undefined;
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
}
