// An answer of SQL as a table and as a chart: which column lies below, which are drawn.

export type Cell = string | number | boolean | null | readonly unknown[] | object;

export interface SqlAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** There are more than came. */
  readonly more: boolean;
}

/** How a cell is written. */
export const cellText = (cell: Cell | undefined): string =>
  cell === null || cell === undefined ? "" : typeof cell === "object" ? JSON.stringify(cell) : String(cell);

export interface ChartPlan {
  readonly over: "time" | "number" | "text";
  readonly at: readonly (string | number)[];
  readonly lines: readonly { readonly title: string; readonly values: readonly (number | null)[] }[];
}

const mostLines = 8;
const isInstant = (cell: Cell | undefined): boolean =>
  typeof cell === "string" && /^\d{4}-\d\d(?:-\d\d)?/.test(cell) && !Number.isNaN(Date.parse(cell.slice(0, 10)));

/**
 * The chart of an answer: its first column of times, else of ascending numbers, else of texts lies below; the other numbers are drawn. With one
 * further column of texts, a line for each of its values. Undefined where there is nothing to draw.
 */
export function planChart({ columns, rows }: SqlAnswer): ChartPlan | undefined {
  if (rows.length < 2) return undefined;
  const column = (at: number): readonly (Cell | undefined)[] => rows.map((row) => row[at]);
  const known = (at: number): readonly (Cell | undefined)[] => column(at).filter((cell) => cell !== null && cell !== undefined);
  const all = columns.map((_, at) => at);
  const every = (at: number, is: (cell: Cell | undefined) => boolean): boolean => known(at).length > 0 && known(at).every(is);
  const numbers = all.filter((at) => every(at, (cell) => typeof cell === "number"));
  const times = all.filter((at) => every(at, isInstant));
  const texts = all.filter((at) => !times.includes(at) && every(at, (cell) => typeof cell === "string"));
  const ascending = numbers.find((at) => column(at).every((cell, row, cells) => row === 0 || Number(cell) > Number(cells[row - 1])));
  const below = times[0] ?? (numbers.length > 1 ? ascending : undefined) ?? texts[0];
  if (below === undefined) return undefined;
  const drawn = numbers.filter((at) => at !== below).slice(0, mostLines);
  if (drawn.length === 0) return undefined;
  const over = times[0] === below ? "time" : texts.includes(below) ? "text" : "number";
  const by = over === "time" && drawn.length === 1 ? texts[0] : undefined;
  return over === "text" ? { over, at: column(below).map(cellText), lines: lineUp(drawn) } : laid(over, below, drawn, by);

  function lineUp(of: readonly number[]): ChartPlan["lines"] {
    return of.map((at) => ({ title: columns[at] ?? "", values: column(at).map(numberOf) }));
  }

  /** Every instant once, ascending; rows of one instant are told apart by `by`, and added up without one. */
  function laid(over: "time" | "number", below: number, drawn: readonly number[], by: number | undefined): ChartPlan {
    const at = [...new Set(known(below).map((cell) => (over === "time" ? cellText(cell) : Number(cell))))].sort((a, b) => (a < b ? -1 : 1));
    const place = new Map(at.map((instant, index) => [instant, index]));
    const lines = new Map<string, (number | null)[]>();
    for (const row of rows) {
      const instant = over === "time" ? cellText(row[below]) : Number(row[below]);
      for (const of of drawn) {
        const title = by === undefined ? (columns[of] ?? "") : cellText(row[by]);
        if (!lines.has(title) && lines.size >= mostLines) continue;
        const values = lines.get(title) ?? at.map(() => null);
        lines.set(title, values);
        const index = place.get(instant);
        const value = numberOf(row[of]);
        if (index !== undefined && value !== null) values[index] = (values[index] ?? 0) + value;
      }
    }
    return { over, at, lines: [...lines].map(([title, values]) => ({ title, values })) };
  }
}

const numberOf = (cell: Cell | undefined): number | null => (typeof cell === "number" ? cell : null);
