// Tables of rows: sorting in the URL, choosing rows, folding into lines of name and value where the window is narrow.

import type { ComponentChildren } from "preact";
import { useFilters } from "../data/url.ts";

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Makes the column sortable. */
  readonly by?: (row: Row) => string | number | undefined;
  readonly number?: boolean;
}

/** A column of numbers, sorted by them; those that are not known stand last. */
export const figures = <Row,>(
  id: string,
  title: string,
  of: (row: Row) => number | null,
  show: (value: number | null) => ComponentChildren,
): Column<Row> => ({ id, title, number: true, by: (row) => of(row) ?? undefined, cell: (row) => show(of(row)) });

export interface TableProps<Row> {
  /** What the rows are, for screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  /** Chosen rows and what happens when they change; absent: rows cannot be chosen. */
  readonly chosen?: ReadonlySet<string>;
  readonly onChosen?: (chosen: ReadonlySet<string>) => void;
  readonly tight?: boolean;
  /** Name of the sorting in the URL, where a page has several tables. */
  readonly sortName?: string;
}

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: string): readonly Row[] {
  const isDown = sort.startsWith("-");
  const by = columns.find(({ id }) => id === sort.replace(/^-/, ""))?.by;
  if (by === undefined) return rows;
  return rows.toSorted((one, other) => {
    const [a, b] = [by(one), by(other)];
    if (a === b) return 0;
    // What is not known stands last, whichever way.
    if (a === undefined) return 1;
    if (b === undefined) return -1;
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return isDown ? -order : order;
  });
}

export function Table<Row>({ label, rows, columns, idOf, chosen, onChosen, tight = false, sortName = "sort" }: TableProps<Row>) {
  const filters = useFilters();
  const sort = filters.get(sortName);
  const shown = sorted(rows, columns, sort);
  const ids = shown.map(idOf);
  const toggle = (id: string, isIn: boolean): void => {
    const next = new Set(chosen);
    if (isIn) next.add(id);
    else next.delete(id);
    onChosen?.(next);
  };
  return (
    <div class="table-box">
      <table class={`list folds ${tight ? "tight" : ""}`} aria-label={label}>
        <thead>
          <tr>
            {chosen !== undefined && (
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label="Choose all rows"
                  checked={ids.length > 0 && ids.every((id) => chosen.has(id))}
                  onChange={(event) => onChosen?.(event.currentTarget.checked ? new Set(ids) : new Set())}
                />
              </th>
            )}
            {columns.map(({ id, title, by, number = false }) => {
              const direction = sort === id ? "ascending" : sort === `-${id}` ? "descending" : "none";
              return (
                <th key={id} scope="col" class={number ? "num" : ""} {...(by === undefined ? {} : { "aria-sort": direction })}>
                  {by === undefined ? (
                    title
                  ) : (
                    <button type="button" onClick={() => filters.set({ [sortName]: direction === "ascending" ? `-${id}` : id })}>
                      {title} {direction === "ascending" ? "↑" : direction === "descending" ? "↓" : ""}
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, at) => {
            const id = ids[at] ?? String(at);
            return (
              <tr key={id} class={chosen?.has(id) === true ? "chosen" : ""}>
                {chosen !== undefined && (
                  <td data-title="Choose">
                    <input
                      type="checkbox"
                      aria-label={`Choose ${id}`}
                      checked={chosen.has(id)}
                      onChange={(event) => toggle(id, event.currentTarget.checked)}
                    />
                  </td>
                )}
                {columns.map(({ id: column, title, cell, number = false }) => (
                  <td key={column} class={number ? "num" : ""} data-title={title}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** "Show more", where a list has more. */
export function More({ of }: { of: { readonly hasMore: boolean; readonly isAsking: boolean; readonly more: () => void } }) {
  const isSorted = useFilters().get("sort") !== "";
  if (!of.hasMore) return null;
  return (
    <div class="row">
      <button type="button" class="button" disabled={of.isAsking} onClick={() => of.more()}>
        {of.isAsking ? "Loading ..." : "Show more"}
      </button>
      {isSorted && <span class="dim">Sorted are the rows above; there are others.</span>}
    </div>
  );
}
