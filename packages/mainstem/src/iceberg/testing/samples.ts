import { parseObjectKey } from "../../objects/index.ts";
import { encodeBound } from "../bounds.ts";
import type { DataFile, IcebergPartitionSpec, IcebergSchema, NewTable, TableChange, TableState } from "../model.ts";

export const dataset = "shop.orders";

export const schema: IcebergSchema = {
  type: "struct",
  "schema-id": 0,
  "identifier-field-ids": [1],
  fields: [
    { id: 1, name: "id", required: true, type: "long" },
    { id: 2, name: "placedAt", required: false, type: "timestamptz" },
    { id: 3, name: "country", required: false, type: "string" },
    { id: 4, name: "tags", required: false, type: { type: "list", "element-id": 5, element: "string", "element-required": false } },
  ],
};

export const partition: IcebergPartitionSpec = {
  "spec-id": 0,
  fields: [{ "source-id": 2, "field-id": 1000, name: "placedAt_day", transform: "day" }],
};

export const newTable: NewTable = { schema, partition, sort: [{ sourceId: 1 }] };

let files = 0;

/** A data file that exists only in metadata. */
export function fileOf({
  day = 0,
  records = 10,
  table = dataset,
}: { readonly day?: number | null; readonly records?: number; readonly table?: string } = {}): DataFile {
  files += 1;
  return {
    key: parseObjectKey(`tables/${table.replace(".", "/")}/data/${files}.parquet`),
    specId: 0,
    partition: [day],
    records,
    bytes: records * 100,
    columnSizes: new Map([
      [1, 40],
      [2, 50],
      [3, 60],
    ]),
    valueCounts: new Map([
      [1, records],
      [2, records],
      [3, records],
    ]),
    nullCounts: new Map([
      [1, 0],
      [2, 1],
      [3, 2],
    ]),
    lowerBounds: new Map([
      [1, encodeBound("long", BigInt(files))],
      [3, encodeBound("string", "AT")],
    ]),
    upperBounds: new Map([
      [1, encodeBound("long", BigInt(files + records))],
      [3, encodeBound("string", "ZW")],
    ]),
    sortOrderId: 1,
    schemaId: 0,
  };
}

/** A change of a table as it is. */
export function changeOf(
  state: TableState,
  {
    added = [],
    removed = [],
    summary = {},
  }: { readonly added?: readonly DataFile[]; readonly removed?: readonly DataFile[]; readonly summary?: Readonly<Record<string, string>> },
): TableChange {
  return { base: state.current?.id, schemaId: state.schema["schema-id"], added, removed: new Set(removed.map((file) => file.key)), summary };
}
