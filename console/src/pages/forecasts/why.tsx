// Why: what each attribute adds to the forecast and takes from it, from a baseline to the mean; of all items or of one.

import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { useFilters } from "../../data/url.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { amount, Bar, counted, Figure, percent, whenText } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Chosen, downloadOf, namesBefore, useScenarios, useTable, type ScenarioOf } from "./answers.tsx";
import { useAuthor } from "./author.tsx";
import type { Looked } from "./group.tsx";
import { itemAxis } from "./node.ts";

export function Why({ run, node }: Looked) {
  const filters = useFilters();
  const me = useMe();
  const held = node.find(([axis]) => axis === itemAxis)?.[1] ?? "";
  const item = filters.get("item") === "" ? held : filters.get("item");
  const { author, isMissing, field } = useAuthor();
  const answers = useScenarios(run.id, "explain");
  const ask = useAct("POST /api/forecast/scenarios/explain", { done: "Asked; the answer comes by itself" });
  const said = { forecast: run.id, ...author, ...(item === "" ? {} : { item }) };
  return (
    <>
      {me.may("planner") && (
        <section class="card">
          <h2>Why is the forecast as it is?</h2>
          <form
            class="filters"
            onSubmit={(event) => {
              event.preventDefault();
              void ask.run({ body: said }).then((answer) => answer !== undefined && filters.set({ why: answer.scenario }));
            }}
          >
            <FilterField title="Item" name="item" placeholder={held === "" ? "all of them" : `${held}, as chosen`} />
            {field}
            <Button type="submit" look="first" busy={ask.isRunning} disabled={isMissing}>
              Explain
            </Button>
            <CopyAs
              said={{
                method: "POST",
                path: "/api/forecast/scenarios/explain",
                body: said,
                command: ["forecast", "scenarios", "explain", run.id, ...(item === "" ? [] : ["--item", item])],
              }}
            />
          </form>
        </section>
      )}
      <Chosen
        of={answers}
        name="why"
        title="Explanation"
        titleOf={({ title, at }) => `${title}, ${whenText(at)}`}
        none="Nothing was explained of this forecast yet."
      >
        {(shown) => <Explanation of={shown} />}
      </Chosen>
    </>
  );
}

function Explanation({ of: { id, title, summary } }: { of: ScenarioOf<"explain"> }) {
  const filters = useFilters();
  const table = useTable(id, "series");
  const strongest = Math.max(1e-9, ...summary.attributes.map(({ strength }) => strength ?? 0));
  return (
    <>
      <section class="card">
        <header>
          <h2>What moves the forecast: {title}</h2>
          <span class="row">
            <a href={downloadOf(id, "attributes")} download>
              All attributes
            </a>
            <a href={downloadOf(id, "series")} download>
              By series
            </a>
          </span>
        </header>
        <p class="dim">
          {counted(summary.series, "series", "series")}, read from the global model alone: the mix of models says more than it. Units over
          the whole horizon.
        </p>
        <Table
          label="Attributes, the strongest first"
          rows={summary.attributes}
          idOf={({ attribute }) => attribute}
          tight
          sortName="attributes"
          columns={[
            { id: "attribute", title: "Attribute", by: ({ attribute }) => attribute, cell: ({ attribute }) => attribute },
            {
              id: "strength",
              title: "Strength",
              by: ({ strength }) => strength ?? undefined,
              cell: ({ strength }) => <Bar share={(strength ?? 0) / strongest} label={`Strength ${amount(strength)}`} />,
            },
            {
              id: "impact",
              title: "Adds (units)",
              number: true,
              by: ({ impact }) => impact ?? undefined,
              cell: ({ impact }) => <Signed of={impact ?? 0} />,
            },
            { id: "score", title: "Score", number: true, by: ({ score }) => score ?? undefined, cell: ({ score }) => amount(score) },
          ]}
        />
      </section>
      <section class="card">
        <h2>One series: from the baseline to its forecast</h2>
        <Shown of={table} lines={4}>
          {({ rows, more }) => {
            const names = namesBefore(rows[0], "base");
            const titleOf = (row: (typeof rows)[number]): string => names.map((name) => row[name] ?? "").join(" · ");
            const chosen = rows.find((row) => titleOf(row) === filters.get("one")) ?? rows[0];
            if (chosen === undefined) return <Empty>No series was explained.</Empty>;
            return (
              <>
                <SelectField title="Series" value={titleOf(chosen)} onValue={(one) => filters.set({ one })} choices={rows.map(titleOf)} />
                {more > 0 && <p class="dim">{counted(more, "further series", "further series")}: in the download.</p>}
                <Lift row={chosen} />
              </>
            );
          }}
        </Shown>
      </section>
    </>
  );
}

const Signed = ({ of }: { of: number }) => (
  <span class={of < 0 ? "bad" : "good"}>
    {of > 0 ? "+" : ""}
    {amount(of)}
  </span>
);

/** Base, each impact, mean: they add up. */
function Lift({ row }: { row: Readonly<Record<string, string>> }) {
  const [base, mean] = [Number(row["base"]), Number(row["mean"])];
  const impacts = Object.entries(row)
    .flatMap(([column, text]) => (column.startsWith("impact_") ? [{ name: column.slice(7), value: Number(text) }] : []))
    .filter(({ value }) => value !== 0)
    .toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const widest = Math.max(1e-9, ...impacts.map(({ value }) => Math.abs(value)));
  return (
    <>
      <div class="cards">
        <Figure title="Baseline" note="what the model says of any such series">
          {amount(base)}
        </Figure>
        <Figure title="Lift" note={base === 0 ? "" : percent((mean - base) / base, { signed: true })}>
          {mean - base >= 0 ? "+" : ""}
          {amount(mean - base)}
        </Figure>
        <Figure title="The model's forecast">{amount(mean)}</Figure>
      </div>
      <Table
        label="Contributions; with the baseline they make the model's forecast"
        rows={impacts}
        idOf={({ name }) => name}
        tight
        sortName="impacts"
        columns={[
          { id: "name", title: "Attribute", by: ({ name }) => name, cell: ({ name }) => name },
          { id: "bar", title: "Size", cell: ({ value }) => <Bar share={Math.abs(value) / widest} label={amount(value)} /> },
          { id: "value", title: "Adds (units)", number: true, by: ({ value }) => value, cell: ({ value }) => <Signed of={value} /> },
        ]}
      />
    </>
  );
}
