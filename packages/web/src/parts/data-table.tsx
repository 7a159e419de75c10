import { Table } from "@mantine/core";
import type { ReactNode } from "react";

export interface Column<Row> {
  readonly head: string;
  readonly number?: boolean;
  readonly cell: (row: Row) => ReactNode;
}

export interface DataTableProps<Row> {
  /** What the table holds, for those who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row, index: number) => string;
  /** Many rows of little each. */
  readonly dense?: boolean;
}

/**
 * A table whose first column names the row. On a narrow screen each row is a block of lines that begin with their column's name; the roles are written
 * out, because browsers forget them of a table that is laid out otherwise.
 */
export function DataTable<Row>({ caption, columns, rows, keyOf, dense = false }: DataTableProps<Row>) {
  return (
    <Table className="data" role="table" aria-label={caption} verticalSpacing={dense ? 6 : "sm"} horizontalSpacing="md">
      <Table.Thead role="rowgroup">
        <Table.Tr role="row">
          {columns.map(({ head, number }) => (
            <Table.Th key={head} scope="col" role="columnheader" data-number={number}>
              {head}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody role="rowgroup">
        {rows.map((row, index) => (
          <Table.Tr key={keyOf(row, index)} role="row">
            {columns.map(({ head, number, cell }, column) =>
              column === 0 ? (
                <Table.Th key={head} scope="row" role="rowheader">
                  {cell(row)}
                </Table.Th>
              ) : (
                <Table.Td key={head} role="cell" data-number={number}>
                  <span className="cell-head" aria-hidden>
                    {head}
                  </span>
                  <div className="cell-value">{cell(row)}</div>
                </Table.Td>
              ),
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
