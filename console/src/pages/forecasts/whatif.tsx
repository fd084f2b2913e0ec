// What if: prices and promotions moved by sliders for the chosen series, and two answers side by side.

import { useAsk } from "../../data/query.ts";
import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { useFilters } from "../../data/url.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Chart } from "../../parts/chart.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { amount, counted, Figure, percent, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { downloadOf, useScenarios, type ScenarioOf } from "./answers.tsx";
import { useAuthor } from "./author.tsx";
import { beyondSeen, isSwitch, parseMoves, printMoves, sayChanges, type Known } from "./changes.ts";
import { useCurve } from "./fan.tsx";
import type { Looked } from "./group.tsx";
import { titleOf, whereOf } from "./node.ts";

type Whatif = ScenarioOf<"whatif">;

export function WhatIf(looked: Looked) {
  const me = useMe();
  return (
    <>
      {me.may("planner") && <Ask {...looked} />}
      <Answers {...looked} />
    </>
  );
}

function Ask({ run, node }: Looked) {
  const filters = useFilters();
  const curve = useCurve(run.id, node);
  const moves = parseMoves(filters.get("moves"));
  const { author, isMissing, field } = useAuthor();
  const set = sayChanges(moves, whereOf(node));
  const ask = useAct("POST /api/forecast/scenarios/whatif", { done: "Asked; the answer comes into the list below" });
  const move = (name: string, value: string): void => filters.set({ moves: printMoves({ ...moves, [name]: value }) });
  return (
    <section class="card">
      <h2>What if, for {titleOf(node)}</h2>
      <Shown of={curve} lines={4}>
        {({ related, split }) =>
          related.length === 0 ? (
            <Empty>
              Nothing is known ahead of these series: no price, no promotion. With a file of related series (<code>GROUP.related.csv</code>)
              there is.
            </Empty>
          ) : (
            <form
              class="stack"
              onSubmit={(event) => {
                event.preventDefault();
                void ask
                  .run({ body: { forecast: run.id, set, ...author } })
                  .then(
                    (answer) =>
                      answer !== undefined && filters.set(filters.get("a") === "" ? { a: answer.scenario } : { b: answer.scenario }),
                  );
              }}
            >
              {related.map((known) => (
                <Slider
                  key={known.name}
                  known={known}
                  ahead={known.values.slice(split)}
                  move={moves[known.name] ?? ""}
                  onMove={(value) => move(known.name, value)}
                />
              ))}
              <div class="filters">
                {field}
                <Button type="submit" look="first" busy={ask.isRunning} disabled={set === "" || isMissing}>
                  Ask
                </Button>
                <Button disabled={set === ""} onPress={() => filters.set({ moves: "" })}>
                  As planned
                </Button>
                <CopyAs
                  said={{
                    method: "POST",
                    path: "/api/forecast/scenarios/whatif",
                    body: { forecast: run.id, set, ...author },
                    command: ["forecast", "scenarios", "whatif", run.id, "--set", set],
                  }}
                />
              </div>
              {set !== "" && <code class="dim">{set}</code>}
            </form>
          )
        }
      </Shown>
    </section>
  );
}

interface SliderProps {
  readonly known: Known;
  /** As planned, over the horizon. */
  readonly ahead: readonly (number | null)[];
  readonly move: string;
  readonly onMove: (move: string) => void;
}

function Slider({ known, ahead, move, onMove }: SliderProps) {
  const { name, seen } = known;
  if (isSwitch(known, ahead)) {
    return (
      <SelectField
        title={name}
        value={move}
        onValue={onMove}
        choices={[
          { value: "", name: "as planned" },
          { value: "on", name: "on in every step" },
          { value: "off", name: "off in every step" },
        ]}
      />
    );
  }
  const warning = beyondSeen(known, ahead, move);
  const now = move === "" ? 0 : Number(move);
  return (
    <div class="stack">
      <label class="field">
        <span>
          {name}: {now > 0 ? "+" : ""}
          {now} %{seen === null ? "" : `, seen: ${amount(seen.low)} to ${amount(seen.high)}`}
        </span>
        <input
          type="range"
          min={-50}
          max={50}
          step={1}
          value={now}
          aria-valuetext={`${now} percent`}
          onChange={(event) => onMove(event.currentTarget.value)}
        />
      </label>
      {warning !== undefined && <Note kind="warn">{warning}</Note>}
    </div>
  );
}

function Answers({ run }: Looked) {
  const filters = useFilters();
  const answers = useScenarios(run.id, "whatif");
  const [a, b] = [filters.get("a"), filters.get("b")];
  return (
    <>
      <section class="card">
        <h2>Answers</h2>
        <Shown of={answers} lines={3}>
          {(all) => {
            const pending = [a, b].filter((id) => id !== "" && !all.some((one) => one.id === id));
            return (
              <>
                {pending.length > 0 && (
                  <p role="status" class="dim">
                    {counted(pending.length, "answer")} on the way ...
                  </p>
                )}
                {all.length === 0 ? <Empty>Nothing was asked of this forecast yet.</Empty> : <AnswerTable rows={all} a={a} b={b} />}
              </>
            );
          }}
        </Shown>
      </section>
      {[a, b].map((id, at) => {
        const one = answers.value?.find((each) => each.id === id);
        return one === undefined ? null : <Answer key={id} of={one} letter={at === 0 ? "A" : "B"} />;
      })}
      {a !== "" &&
        b !== "" &&
        a !== b &&
        answers.value?.some(({ id }) => id === a) === true &&
        answers.value.some(({ id }) => id === b) && <Beside a={a} b={b} />}
    </>
  );
}

function AnswerTable({ rows, a, b }: { rows: readonly Whatif[]; a: string; b: string }) {
  const filters = useFilters();
  return (
    <Table
      label="What-ifs"
      rows={rows}
      idOf={({ id }) => id}
      tight
      sortName="answers"
      columns={[
        { id: "title", title: "What if", cell: ({ title }) => <code>{title}</code> },
        {
          id: "delta",
          title: "Change",
          number: true,
          by: ({ summary }) => summary.delta ?? undefined,
          cell: ({ summary }) => amount(summary.delta),
        },
        {
          id: "percent",
          title: "In percent",
          number: true,
          by: ({ summary }) => summary.percent ?? undefined,
          cell: ({ summary }) => percent(summary.percent === null ? null : summary.percent / 100, { signed: true }),
        },
        { id: "author", title: "By", cell: ({ author }) => author },
        { id: "at", title: "When", by: ({ at }) => at, cell: ({ at }) => <When at={at} /> },
        {
          id: "show",
          title: "Side by side",
          cell: ({ id }) => (
            <div class="row">
              {(["a", "b"] as const).map((side) => {
                const isOn = (side === "a" ? a : b) === id;
                return (
                  <button
                    key={side}
                    type="button"
                    class={`button small ${isOn ? "first" : ""}`}
                    aria-pressed={isOn}
                    onClick={() => filters.set({ [side]: isOn ? "" : id })}
                  >
                    {side.toUpperCase()}
                  </button>
                );
              })}
            </div>
          ),
        },
      ]}
    />
  );
}

function Answer({ of: { id, title, summary }, letter }: { of: Whatif; letter: string }) {
  return (
    <section class="card">
      <header>
        <h2>
          {letter}: <code>{title}</code>
        </h2>
        <span class="row">
          <a href={downloadOf(id, "forecast")} download>
            Both forecasts
          </a>
          <a href={downloadOf(id, "comparison")} download>
            By series
          </a>
        </span>
      </header>
      <div class="cards">
        <Figure title="As planned">{amount(summary.baseline)}</Figure>
        <Figure title="Under the change" note={percent(summary.percent === null ? null : summary.percent / 100, { signed: true })}>
          {amount(summary.scenario)}
        </Figure>
        <Figure title="Series that move" note={`of ${summary.series}`}>
          {amount(summary.moved)}
        </Figure>
      </div>
      {summary.warnings.map((warning) => (
        <Note key={warning} kind="warn">
          {warning}
        </Note>
      ))}
      <Chart
        title={`${letter}, step by step ahead: ${title}`}
        over="number"
        at={summary.steps.map((_, at) => at + 1)}
        lines={[
          { title: "As planned", values: summary.steps.map(([baseline]) => baseline), colour: "--chart-5" },
          {
            title: "Under the change",
            values: summary.steps.map(([, changed]) => changed),
            colour: letter === "A" ? "--chart-1" : "--chart-2",
          },
        ]}
        height={200}
      />
    </section>
  );
}

const mostRows = 200;

function Beside({ a, b }: { a: string; b: string }) {
  const both = useAsk("GET /api/forecast/scenarios/compare", { query: { ids: `${a},${b}` } });
  return (
    <section class="card">
      <header>
        <h2>A beside B, series by series</h2>
        <CopyAs
          said={{
            method: "GET",
            path: `/api/forecast/scenarios/compare?ids=${a},${b}`,
            command: ["forecast", "scenarios", "compare", a, b],
          }}
        />
      </header>
      <Shown of={both}>
        {({ rows }) => {
          const differing = rows
            .map(({ name, values: [one = null, other = null] }) => ({ name, one, other, gap: (other ?? 0) - (one ?? 0) }))
            .toSorted((x, y) => Math.abs(y.gap) - Math.abs(x.gap));
          return (
            <>
              <Table
                label="A beside B"
                rows={differing.slice(0, mostRows)}
                idOf={({ name }) => name}
                tight
                sortName="beside"
                columns={[
                  { id: "name", title: "Series", by: ({ name }) => name, cell: ({ name }) => name },
                  { id: "a", title: "A", number: true, by: ({ one }) => one ?? undefined, cell: ({ one }) => amount(one) },
                  { id: "b", title: "B", number: true, by: ({ other }) => other ?? undefined, cell: ({ other }) => amount(other) },
                  { id: "gap", title: "B less A", number: true, by: ({ gap }) => gap, cell: ({ gap }) => amount(gap) },
                ]}
              />
              {differing.length > mostRows && (
                <p class="dim">And {counted(differing.length - mostRows, "further series", "further series")}, which differ less.</p>
              )}
            </>
          );
        }}
      </Shown>
    </section>
  );
}
