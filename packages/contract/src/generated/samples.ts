import type { AvroEnumSchema, AvroFixedSchema } from "../avro/schema.ts";
import { unreachable } from "../unreachable.ts";
import { decimalOf } from "../records/json-leaves.ts";
import { formatDecimal } from "../records/decimal.ts";
import { formatBase64 } from "../records/base64.ts";
import type { LeafNode, PlanNode, RecordNode } from "./plan.ts";

/** How many different records `samplesOf` gives. */
export const samples = [0, 1, 2] as const;
export type Sample = (typeof samples)[number];

/** Records of a plan, as JSON, that every kind of generated code has to deal with: what it is tried with before it is trusted. */
export function samplesOf(plan: RecordNode): readonly unknown[] {
  const records = samples.map((sample) => valueOf(plan, sample) as Readonly<Record<string, unknown>>);
  const backwards = records.map((record) => Object.fromEntries(Object.entries(record).toReversed()));
  return [...records, ...backwards, { ...records[1], [surprise]: 1 }];
}

const surprise = "no such field";

function valueOf(node: PlanNode, sample: Sample): unknown {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other kinds go one way
  switch (node.kind) {
    case "nullable":
      return sample === 0 ? null : valueOf(node.of, sample);
    case "array":
      return partsOf(node.items, { sample, count: isSmall(node.items) ? sample * 35 : sample });
    case "map":
      return Object.fromEntries(partsOf(node.values, { sample, count: sample }).map((value, index) => [index === 0 ? "a" : "bé", value]));
    case "record":
      return Object.fromEntries(node.fields.map((field) => [field.name, valueOf(field.type, sample)]));
    default:
      return leafOf(node, sample);
  }
}

/** What an array or map holds: only in the first part lists hold anything, as the sizes of lists in lists would multiply. */
function partsOf(node: PlanNode, { sample, count }: { readonly sample: Sample; readonly count: number }): readonly unknown[] {
  return Array.from({ length: count }, (_, index) => valueOf(node, index === 0 ? sample : 0));
}

/** Whether so many values are soon made that their number takes two bytes. */
function isSmall(node: PlanNode): boolean {
  return !(node.kind === "array" || node.kind === "map" || node.kind === "record" || node.kind === "fixed" || (node.kind === "nullable" && !isSmall(node.of)));
}

export function leafOf(node: LeafNode, sample: Sample): unknown {
  switch (node.kind) {
    case "null":
      return null;
    case "boolean":
      return sample === 1;
    case "int":
      return [0, -2_147_483_648, 123_456][sample];
    case "long":
      return [0, -9_007_199_254_740_991, "9223372036854775807"][sample];
    case "float":
      return [0, -1.5, 0.1][sample];
    case "double":
      return [0.1, -1234.5678, 1e-300][sample];
    case "string":
      return ["", "plain text that is longer than the sixty-four bytes of a short one", 'é "quoted" \u2028 😀'][sample];
    case "uuid":
      return ["01234567-89ab-cdef-0123-456789abcdef", "ABCDEF01-2345-6789-ABCD-EF0123456789", "01234567-89ab-cdef-0123-456789abcdee"][sample];
    case "enum": {
      const { symbols } = node.schema as AvroEnumSchema;
      return symbols[Math.floor((symbols.length - 1) * (sample / 2))];
    }
    case "bytes":
      return ["", "AAH/", "/w=="][sample];
    case "fixed":
      return formatBase64(new Uint8Array((node.schema as AvroFixedSchema).size).fill(sample));
    case "decimal": {
      const { precision, scale } = decimalOf(node.schema);
      return formatDecimal([0n, 1n - 10n ** BigInt(precision), 1n][sample] as bigint, scale);
    }
    case "date":
      return ["1970-01-01", "0001-01-01", "2024-02-29"][sample];
    case "timeMillis":
    case "timeMicros":
      return ["00:00:00", "23:59:59.999", "12:30"][sample];
    case "timestampMillis":
    case "timestampMicros":
    case "timestampNanos":
      return ["1970-01-01T00:00:00Z", node.kind === "timestampNanos" ? "2200-12-31T23:59:59.999Z" : "9999-12-31T23:59:59.999Z", "2024-02-29T12:30:00.5+01:00"][
        sample
      ];
    case "localTimestampMillis":
    case "localTimestampMicros":
    case "localTimestampNanos":
      return ["1970-01-01T00:00:00", "9999-12-31T23:59:59.999", "2024-02-29T12:30:00.5"][sample];
    case "duration":
      return { months: 0, days: sample, millis: 1 };
    default:
      return unreachable(node.kind);
  }
}
