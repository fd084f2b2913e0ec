// Bars of names and numbers, as a list that a screen reader reads like any other.

import { amount, Bar } from "../../parts/show.tsx";
import type { ChartPlan } from "./answer.ts";

const mostBars = 60;

export function Bars({ plan: { at, lines } }: { plan: ChartPlan }) {
  const [line] = lines;
  if (line === undefined) return null;
  const most = Math.max(...line.values.map((value) => Math.abs(value ?? 0)), Number.MIN_VALUE);
  return (
    <figure class="stack">
      <figcaption class="dim">{line.title}</figcaption>
      <ul class="sql-bars">
        {at.slice(0, mostBars).map((name, row) => {
          const value = line.values[row] ?? null;
          return (
            <li key={`${name} ${row}`}>
              <span>{name}</span>
              <Bar share={Math.abs(value ?? 0) / most} label={amount(value)} />
              <span class="num">{amount(value)}</span>
            </li>
          );
        })}
      </ul>
      {at.length > mostBars && (
        <p class="dim">
          The first {mostBars} of {at.length}.
        </p>
      )}
    </figure>
  );
}
