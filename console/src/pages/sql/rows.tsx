// The rows of an answer: as a table with no more rows than a browser draws well, or as a chart.

import { useFilters } from "../../data/url.ts";
import { Chart } from "../../parts/chart.tsx";
import { grouped } from "../../parts/show.tsx";
import { cellText, planChart, type SqlAnswer } from "./answer.ts";
import { Bars } from "./bars.tsx";

const mostDrawn = 500;

export function Rows({ answer }: { answer: SqlAnswer }) {
  const filters = useFilters();
  const plan = planChart(answer);
  const isChart = filters.get("as") === "chart" && plan !== undefined;
  return (
    <>
      {plan !== undefined && (
        <div class="tabs" role="tablist" aria-label="How the rows are shown">
          {(["table", "chart"] as const).map((as) => (
            <button
              key={as}
              type="button"
              role="tab"
              aria-selected={isChart === (as === "chart")}
              onClick={() => filters.set({ as: as === "chart" ? "chart" : "" })}
            >
              {as === "chart" ? "Chart" : "Table"}
            </button>
          ))}
        </div>
      )}
      {isChart ? (
        plan.over === "text" ? (
          <Bars plan={plan} />
        ) : (
          <Chart title="The answer" at={plan.at} over={plan.over} lines={plan.lines} height={320} />
        )
      ) : (
        <Cells answer={answer} />
      )}
    </>
  );
}

function Cells({ answer: { columns, rows } }: { answer: SqlAnswer }) {
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === "number"));
  return (
    <div class="table-box sql-rows" tabIndex={0} role="region" aria-label="Rows">
      <table class="list tight" aria-label="Rows">
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={at} scope="col" class={isNumber[at] ? "num" : ""}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, mostDrawn).map((row, at) => (
            <tr key={at}>
              {columns.map((_, cell) => (
                <td key={cell} class={isNumber[cell] ? "num" : ""}>
                  {row[cell] === null ? <span class="dim">null</span> : cellText(row[cell])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > mostDrawn && (
        <p class="dim">
          The first {grouped(mostDrawn)} of {grouped(rows.length)} rows. A file has them all.
        </p>
      )}
    </div>
  );
}
