// The tree on the left: the levels of an axis within what is held, the largest first. A press holds a level; the crumbs above take it back.

import { useAsk } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { amount, percent } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import type { Looked } from "./group.tsx";
import { itemAxis, printNode, queryOf, type Node } from "./node.ts";
import { useState } from "preact/hooks";

export function Tree({ run, node }: Looked) {
  const filters = useFilters();
  const [find, setFind] = useState("");
  const by = filters.get("by");
  const figures = useAsk("GET /api/forecast/runs/:id/figures", {
    params: { id: run.id },
    query: { ...queryOf(node), ...(by === "" || node.some(([axis]) => axis === by) ? {} : { by }) },
  });
  const go = (next: Node): void => filters.set({ at: printNode(next), by: "", from: "", to: "", cells: "" }, "push");
  return (
    <section class="card forecasts-tree" aria-label="Series">
      <nav class="row" aria-label="Chosen series">
        <button type="button" class="button small" disabled={node.length === 0} onClick={() => go([])}>
          All series
        </button>
        {node.map(([axis, level], at) => (
          <button
            key={axis}
            type="button"
            class="button small"
            title="Back to this level"
            disabled={at === node.length - 1}
            onClick={() => go(node.slice(0, at + 1))}
          >
            {axis === itemAxis ? "item" : axis}: {level === "" ? "(none)" : level}
          </button>
        ))}
      </nav>
      <Shown of={figures} lines={8}>
        {({ axes, by: shownBy, levels, more }) => {
          const free = axes.filter(({ column, name }) => !node.some(([axis]) => axis === column || axis === name));
          if (free.length === 0) return <p class="dim">A single series.</p>;
          const shown = levels.filter(({ name }) => (name ?? "").toLowerCase().includes(find.toLowerCase()));
          return (
            <>
              <SelectField
                title="By"
                value={shownBy.column === itemAxis ? itemAxis : shownBy.name}
                onValue={(by) => filters.set({ by })}
                choices={free.map(({ column, name }) => ({ value: column === itemAxis ? itemAxis : name, name }))}
              />
              {levels.length > 12 && <TextField title="Find" type="search" value={find} onValue={setFind} />}
              <ul>
                {shown.map(({ name, series, actual, ahead, wape, naiveWape }) => (
                  <li key={name ?? ""}>
                    <button
                      type="button"
                      onClick={() => go([...node, [shownBy.column === itemAxis ? itemAxis : shownBy.name, name ?? ""]])}
                    >
                      <b>{name ?? "(none)"}</b>
                      <span class="dim">
                        {series === 1 ? "1 series" : `${series} series`}, ahead {amount(ahead ?? actual)}
                      </span>
                      <span class={wape !== null && naiveWape !== null && wape > naiveWape ? "warn" : "dim"}>
                        {wape === null ? "not backtested" : `WAPE ${percent(wape)}, last season ${percent(naiveWape)}`}
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
              {shown.length === 0 && <Empty>No level is called that.</Empty>}
              {more > 0 && <p class="dim">{more} smaller ones are not shown. Hold another axis first, or ask by SQL.</p>}
            </>
          );
        }}
      </Shown>
    </section>
  );
}
