// Forecasts: every group with its state, how good its forecast is beside repeating the last season, and how old.

import "./forecasts.css";
import { client } from "../../data/client.ts";
import { useAnswer } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { to } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { amount, percent, RunLink, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { numberIn, textIn, warningsIn, type ForecastRow } from "./summary.ts";

type Group = Awaited<ReturnType<typeof readGroups>>[number];

/** Groups with their latest forecast. */
async function readGroups(signal: AbortSignal) {
  const { groups } = await client.call("GET /api/forecast/groups", { signal });
  return await Promise.all(
    groups.map(async (group) => ({
      ...group,
      of:
        group.latest === undefined
          ? undefined
          : ((await client.call("GET /api/forecast/runs/:id", { params: { id: group.latest }, signal })).run satisfies ForecastRow),
    })),
  );
}

const states = ["idle", "queued", "waiting", "running", "failed", "cancelled"] as const;

export function Forecasts() {
  const filters = useFilters();
  const groups = useAnswer(["forecast groups", { live: ["runs", "events"] }], readGroups);
  const [state, find] = [filters.get("state"), filters.get("find").toLowerCase()];
  return (
    <Page
      title="Forecasts"
      about="Every group of series with its latest forecast."
      acts={<CopyAs said={{ method: "GET", path: "/api/forecast/groups", command: ["forecasts", "list"] }} />}
    >
      <div class="filters">
        <FilterField title="Name" type="search" name="find" />
        <SelectField
          title="State"
          value={state}
          onValue={(state) => filters.set({ state })}
          choices={[{ value: "", name: "every state" }, ...states]}
        />
      </div>
      <Shown of={groups}>
        {(all) => {
          if (all.length === 0) return <NoGroups />;
          const rows = all.filter((group) => (state === "" || group.state === state) && group.name.toLowerCase().includes(find));
          return rows.length === 0 ? <Empty>No group is like that.</Empty> : <GroupTable rows={rows} />;
        }}
      </Shown>
    </Page>
  );
}

const NoGroups = () => (
  <Empty>
    <p>There is no group yet. Its first file makes one, and its forecast is made by itself:</p>
    <code>stockroom put sales.csv forecast/train/sales.csv</code>
  </Empty>
);

function GroupTable({ rows }: { rows: readonly Group[] }) {
  return (
    <Table
      label="Groups"
      rows={rows}
      idOf={({ name }) => name}
      columns={[
        {
          id: "name",
          title: "Group",
          by: ({ name }) => name,
          cell: ({ name }) => <a href={to(`/forecasts/${encodeURIComponent(name)}`)}>{name}</a>,
        },
        {
          id: "state",
          title: "State",
          by: ({ state }) => state,
          cell: ({ state, why, runId }) => (
            <>
              <State of={state} /> {why !== undefined && <span class="dim">{why} </span>}
              {runId !== undefined && state !== "idle" && <RunLink id={runId}>its run</RunLink>}
            </>
          ),
        },
        {
          id: "wape",
          title: "WAPE",
          number: true,
          by: ({ of }) => numberIn(of?.summary, "wape") ?? undefined,
          cell: ({ of }) => percent(numberIn(of?.summary, "wape")),
        },
        {
          id: "naive",
          title: "Last season repeated",
          number: true,
          by: ({ of }) => numberIn(of?.summary, "seasonalNaiveWape") ?? undefined,
          cell: ({ of }) => percent(numberIn(of?.summary, "seasonalNaiveWape")),
        },
        {
          id: "series",
          title: "Series",
          number: true,
          by: ({ of }) => numberIn(of?.summary, "series") ?? undefined,
          cell: ({ of }) => amount(numberIn(of?.summary, "series")),
        },
        {
          id: "leader",
          title: "Leading model",
          by: ({ of }) => textIn(of?.summary, "leader"),
          cell: ({ of }) => textIn(of?.summary, "leader") ?? "",
        },
        {
          id: "age",
          title: "Forecast",
          by: ({ of }) => of?.endedAt,
          cell: ({ of }) => (of?.endedAt === undefined ? <span class="warn">none yet</span> : <When at={of.endedAt} />),
        },
        {
          id: "warnings",
          title: "Warnings",
          by: ({ of }) => warningsIn(of?.summary).length,
          cell: ({ of }) => <Warnings of={warningsIn(of?.summary)} />,
        },
      ]}
    />
  );
}

function Warnings({ of }: { of: readonly string[] }) {
  const [first] = of;
  if (first === undefined) return <span class="dim">none</span>;
  return (
    <details>
      <summary class="warn">{of.length === 1 ? "1 warning" : `${of.length} warnings`}</summary>
      <ul class="forecasts-notes">
        {of.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </details>
  );
}
