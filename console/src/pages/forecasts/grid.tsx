// The grid: series by steps, cells chosen by mouse or keys, what is to become of them, and what that does before it is kept.

import { useEffect, useRef, useState } from "preact/hooks";
import { useMe } from "../../data/me.ts";
import { usePages } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { FilterField } from "../../parts/filter-field.tsx";
import { amount } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { More } from "../../parts/table.tsx";
import type { AnswerOf } from "../../data/client.ts";
import { Adjuster } from "./adjuster.tsx";
import { afterKey, isSelected, parseSelection, printSelection, type Selection } from "./cells.ts";
import type { Looked } from "./group.tsx";
import { queryOf, titleOf } from "./node.ts";
import { Said } from "./said.tsx";

type Cells = AnswerOf<"GET /api/forecast/runs/:id/cells">;

export function Grid(looked: Looked) {
  const { run, runs, node, group } = looked;
  const filters = useFilters();
  const me = useMe();
  const find = filters.get("find");
  const cells = usePages(
    "GET /api/forecast/runs/:id/cells",
    { params: { id: run.id }, query: { ...queryOf(node), limit: 50, ...(find === "" ? {} : { find }) } },
    { live: ["events"] },
  );
  const isLatest = runs[0]?.id === run.id;
  return (
    <>
      <section class="card">
        <header>
          <h2>Mean, step by step: {titleOf(node)}</h2>
          <FilterField title="Find" type="search" name="find" clears={["cells"]} />
        </header>
        {!isLatest && <Note>This is an earlier forecast. What is said now is laid over the latest one.</Note>}
        <Shown of={cells} lines={8}>
          {(pages) => {
            const [first] = pages;
            const rows = pages.flatMap((page) => page.rows);
            if (first === undefined || rows.length === 0) return <Empty>No series is like that.</Empty>;
            // Cells are chosen by their place: other rows begin with none of them.
            const which = JSON.stringify([run.id, node, find]);
            return (
              <GridTable key={which} cells={{ ...first, rows }} mayEdit={me.may("planner") && isLatest && !cells.isFormer} group={group} />
            );
          }}
        </Shown>
        <More of={cells} />
      </section>
      <Said group={group} />
    </>
  );
}

function GridTable({ cells, mayEdit, group }: { cells: Cells; mayEdit: boolean; group: string }) {
  const filters = useFilters();
  const { rows, instants, idColumns, total } = cells;
  const kept = parseSelection(filters.get("cells"), rows.length, instants.length);
  const [selection, setSelection] = useState(kept);
  const isDragging = useRef(false);
  const box = useRef<HTMLTableElement>(null);
  const choose = (next: Selection | undefined): void => {
    setSelection(next);
    if (!isDragging.current) filters.set({ cells: next === undefined ? "" : printSelection(next) });
  };
  useEffect(() => {
    const end = (): void => {
      if (!isDragging.current) return;
      isDragging.current = false;
      setSelection((now) => {
        filters.set({ cells: now === undefined ? "" : printSelection(now) });
        return now;
      });
    };
    addEventListener("pointerup", end);
    return () => removeEventListener("pointerup", end);
  }, []);
  const focus = ({ toRow, toStep }: Selection): void =>
    box.current?.querySelector<HTMLElement>(`[data-cell="${toRow}.${toStep}"]`)?.focus({ preventScroll: false });
  const press = (event: KeyboardEvent): void => {
    const now = selection ?? { fromRow: 0, fromStep: 0, toRow: 0, toStep: 0 };
    const isAll = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a";
    const next = isAll
      ? { fromRow: 0, fromStep: 0, toRow: rows.length - 1, toStep: instants.length - 1 }
      : event.key === "Escape"
        ? undefined
        : afterKey(now, event.key, event.shiftKey, rows.length, instants.length);
    if (next === undefined && event.key !== "Escape") return;
    event.preventDefault();
    choose(next);
    if (next !== undefined && !isAll) focus(next);
  };
  const isReached = (row: number, step: number): boolean =>
    selection === undefined ? row === 0 && step === 0 : row === selection.toRow && step === selection.toStep;
  return (
    <>
      <p class="dim">
        {rows.length < total ? `${rows.length} of ${total} series, what sells most first. ` : ""}
        {mayEdit ? "Choose cells by dragging, or with the arrow keys and Shift; Ctrl+A takes all that are shown." : ""}
      </p>
      <div class="forecasts-grid">
        <table
          ref={box}
          role="grid"
          aria-label="Forecast, series by steps"
          aria-multiselectable="true"
          aria-readonly={!mayEdit}
          onKeyDown={press}
        >
          <thead>
            <tr>
              <th scope="col">{idColumns.join(" · ")}</th>
              {instants.map((stamp) => (
                <th key={stamp} scope="col" class="num">
                  {stamp}
                </th>
              ))}
              <th scope="col" class="num">
                Sum
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ ids, used, system, low, high }, row) => (
              <tr key={ids.join("\u001f")}>
                <th scope="row">{ids.join(" · ")}</th>
                {instants.map((stamp, step) => {
                  const now = used[step] ?? 0;
                  const was = system[step] ?? 0;
                  return (
                    <td
                      key={stamp}
                      role="gridcell"
                      data-cell={`${row}.${step}`}
                      tabIndex={isReached(row, step) ? 0 : -1}
                      aria-selected={isSelected(selection, row, step)}
                      class={now === was ? "" : "changed"}
                      title={`${low[step] === undefined ? "" : `${amount(low[step])} to ${amount(high[step] ?? null)}`}${now === was ? "" : `, the system says ${amount(was)}`}`}
                      onPointerDown={(event) => {
                        if (event.button !== 0) return;
                        isDragging.current = true;
                        choose(
                          event.shiftKey && selection !== undefined
                            ? { ...selection, toRow: row, toStep: step }
                            : { fromRow: row, fromStep: step, toRow: row, toStep: step },
                        );
                      }}
                      onPointerEnter={() =>
                        isDragging.current && selection !== undefined && choose({ ...selection, toRow: row, toStep: step })
                      }
                    >
                      {amount(now)}
                    </td>
                  );
                })}
                <td class="num dim">{amount(used.reduce((sum, value) => sum + value, 0))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {mayEdit && selection !== undefined && (
        <Adjuster group={group} cells={cells} selection={selection} onDone={() => choose(undefined)} />
      )}
    </>
  );
}
