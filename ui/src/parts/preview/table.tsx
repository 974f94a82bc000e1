// The first rows of a table: sorted by any column, with what the numbers of a column come to.
import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";

import { count } from "../../format";

const ROW_HEIGHT = 32;
/** What counts as a number; one with another base is a name. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

type Row = readonly string[];

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });

export interface Statistics {
  values: number;
  distinct: number;
  minimum: number | null;
  maximum: number | null;
  mean: number | null;
}

/** Looks at one column; a column is one of numbers when every value in it is one. */
export function statistics(rows: readonly Row[], column: number): Statistics {
  const values = rows.map((row) => row[column] ?? "").filter((value) => value !== "");
  const numbers = values.map(Number);
  const isNumeric = values.length > 0 && values.every((value) => DECIMAL.test(value)) && numbers.every(Number.isFinite);
  const base = { values: values.length, distinct: new Set(values).size };
  if (!isNumeric) return { ...base, minimum: null, maximum: null, mean: null };
  let [minimum, maximum, sum] = [Infinity, -Infinity, 0];
  for (const number of numbers) {
    minimum = Math.min(minimum, number);
    maximum = Math.max(maximum, number);
    sum += number;
  }
  return { ...base, minimum, maximum, mean: sum / numbers.length };
}

export function DataTable({
  columns,
  rows,
  label,
}: {
  columns: readonly string[];
  rows: readonly Row[];
  label: string;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const figures = useMemo(() => columns.map((_, index) => statistics(rows, index)), [columns, rows]);
  const defs = useMemo<ColumnDef<typeof features, Row>[]>(
    () =>
      columns.map((name, index) => {
        const isNumber = figures[index]?.mean !== null;
        return {
          id: String(index),
          header: name,
          accessorFn: (row: Row) => (isNumber ? numberOf(row[index]) : (row[index] ?? "")),
          sortFn: (left: { original: Row }, right: { original: Row }) =>
            isNumber
              ? numberOf(left.original[index]) - numberOf(right.original[index])
              : (left.original[index] ?? "").localeCompare(right.original[index] ?? "", "en", { numeric: true }),
          sortDescFirst: false,
        };
      }),
    [columns, figures],
  );
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({ features, columns: defs, data });
  const sorted = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 15,
  });
  const items = virtual.getVirtualItems();
  const [before, after] = [items[0]?.start ?? 0, virtual.getTotalSize() - (items.at(-1)?.end ?? 0)];
  return (
    <div
      className="table-frame"
      ref={frame}
      tabIndex={0}
      role="region"
      aria-label={label}
      style={{ maxHeight: "60vh" }}
    >
      <table aria-rowcount={rows.length + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {group.headers.map((header) => {
                const index = Number(header.column.id);
                const figure = figures[index];
                const order = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={figure?.mean === null ? undefined : "number"}
                    aria-sort={order === "asc" ? "ascending" : order === "desc" ? "descending" : "none"}
                    title={figure === undefined ? undefined : told(figure)}
                  >
                    <button className="sort" type="button" onClick={header.column.getToggleSortingHandler()}>
                      {columns[index] === "" ? "(no name)" : columns[index]}
                      {order === "asc" ? " ↑" : order === "desc" ? " ↓" : ""}
                    </button>
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {before > 0 && <Gap height={before} columns={columns.length} />}
          {items.map(({ index }) => {
            const row = sorted[index];
            if (row === undefined) return null;
            return (
              <tr key={row.id} aria-rowindex={index + 2}>
                {columns.map((name, column) => (
                  // Columns never change their places, and two may have one name.
                  <td
                    key={`${name}:${column}`}
                    className={figures[column]?.mean === null ? undefined : "number"}
                    style={{ height: ROW_HEIGHT, whiteSpace: "nowrap", maxWidth: "30rem" }}
                  >
                    {row.original[column]}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <Gap height={after} columns={columns.length} />}
        </tbody>
        <tfoot>
          <tr>
            {columns.map((name, column) => (
              <td key={`${name}:${column}`} className="figures">
                {figures[column] !== undefined && told(figures[column])}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Gap({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  );
}

function numberOf(text: string | undefined): number {
  return text === undefined || text === "" ? Number.NEGATIVE_INFINITY : Number(text);
}

function told({ values, distinct, minimum, maximum, mean }: Statistics): string {
  const filled = `${count(values)} filled, ${count(distinct)} distinct`;
  if (minimum === null || maximum === null || mean === null) return filled;
  return `${rounded(minimum)} to ${rounded(maximum)}, mean ${rounded(mean)}; ${filled}`;
}

function rounded(number: number): string {
  return String(Number(number.toPrecision(6)));
}
