// One group: its forecast from every side, a tab each. What is looked at stands in the URL: the forecast, the node of the tree, the tab.

import "./forecasts.css";
import type { ComponentChildren } from "preact";
import { useAsk } from "../../data/query.ts";
import { useFilters, to } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { counted, State, Tabs, whenText } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { parseNode, type Node } from "./node.ts";
import { CompareRuns } from "./compare.tsx";
import { ExceptionList } from "./exceptions.tsx";
import { Grid } from "./grid.tsx";
import { Orders } from "./orders.tsx";
import { ValueAdded } from "./value.tsx";
import { WhatIf } from "./whatif.tsx";
import { Why } from "./why.tsx";
import { Exports } from "./exports.tsx";
import { Tree } from "./tree.tsx";
import { Fan } from "./fan.tsx";
import { Accuracy } from "./accuracy.tsx";
import { SettingsText } from "./settings.tsx";
import { warningsIn, type ForecastRow } from "./summary.ts";

/** What a tab is shown of. */
export interface Looked {
  readonly group: string;
  /** The forecast that is looked at. */
  readonly run: ForecastRow;
  /** All of the group, the newest first. */
  readonly runs: readonly ForecastRow[];
  readonly node: Node;
}

interface Tab {
  readonly value: string;
  readonly name: string;
  /** Beside the tree of series. */
  readonly ofNode: boolean;
  readonly show: (looked: Looked) => ComponentChildren;
}

const tabs: readonly Tab[] = [
  { value: "", name: "Forecast", ofNode: true, show: (looked) => <Fan {...looked} /> },
  { value: "accuracy", name: "Accuracy", ofNode: true, show: (looked) => <Accuracy {...looked} /> },
  { value: "exceptions", name: "Exceptions", ofNode: true, show: (looked) => <ExceptionList {...looked} /> },
  { value: "adjust", name: "Adjust", ofNode: true, show: (looked) => <Grid {...looked} /> },
  { value: "value", name: "Value added", ofNode: false, show: (looked) => <ValueAdded {...looked} /> },
  { value: "whatif", name: "What if", ofNode: true, show: (looked) => <WhatIf {...looked} /> },
  { value: "why", name: "Why", ofNode: true, show: (looked) => <Why {...looked} /> },
  { value: "orders", name: "Orders", ofNode: false, show: (looked) => <Orders {...looked} /> },
  { value: "compare", name: "Compare", ofNode: true, show: (looked) => <CompareRuns {...looked} /> },
  { value: "exports", name: "Exports", ofNode: false, show: (looked) => <Exports {...looked} /> },
  { value: "settings", name: "Settings", ofNode: false, show: (looked) => <SettingsText {...looked} /> },
];

export function Group({ group = "" }: Readonly<Record<string, string>>) {
  const filters = useFilters();
  const groups = useAsk("GET /api/forecast/groups", undefined, { live: ["runs", "events"] });
  const runs = useAsk("GET /api/forecast/runs", { query: { group, limit: 200 } }, { live: ["runs", "events"] });
  const present = groups.value?.groups.find(({ name }) => name === group);
  const wanted = filters.get("run");
  const tab = tabs.find(({ value }) => value === filters.get("tab")) ?? tabs[0];
  const place = `/forecasts/${encodeURIComponent(group)}`;
  // What is chosen goes along from tab to tab.
  const kept = { at: filters.get("at"), run: wanted };
  return (
    <Page
      title={group}
      about={
        present === undefined ? undefined : (
          <>
            <State of={present.state} /> {present.why}
          </>
        )
      }
      acts={
        <CopyAs
          said={{ method: "GET", path: `/api/forecast/runs?group=${encodeURIComponent(group)}`, command: ["forecasts", "list", group] }}
        />
      }
    >
      {groups.value !== undefined && present === undefined && (
        <Empty>
          <p>There is no group of that name.</p>
          <a class="button" href={to("/forecasts")}>
            All groups
          </a>
        </Empty>
      )}
      <Shown of={runs}>
        {({ runs: all }) => {
          const done = all.filter(({ state }) => state === "done");
          const run = wanted === "" ? (done.find(({ id }) => id === present?.latest) ?? done[0]) : done.find(({ id }) => id === wanted);
          if (run === undefined) return wanted === "" ? <NoForecast why={present?.why} /> : <Gone id={wanted} back={to(place)} />;
          const looked = { group, run, runs: done, node: parseNode(filters.get("at")) };
          return (
            <>
              <Tabs
                label="Sides of the forecast"
                here={tab?.value ?? ""}
                of={tabs.map(({ value, name }) => ({ value, name, href: to(place, { ...kept, tab: value }) }))}
              />
              <div class="filters">
                <SelectField
                  title="Forecast"
                  value={run.id}
                  onValue={(id) => filters.set({ run: id === present?.latest ? "" : id, cells: "" })}
                  choices={done.map(({ id, endedAt }) => ({
                    value: id,
                    name: `${endedAt === undefined ? id : whenText(endedAt)}${id === present?.latest ? ", the latest" : ""}`,
                  }))}
                />
              </div>
              <Remarks of={warningsIn(run.summary)} />
              {tab?.ofNode ? (
                <div class="split">
                  <Tree {...looked} />
                  <div class="stack">{tab.show(looked)}</div>
                </div>
              ) : (
                tab?.show(looked)
              )}
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

const NoForecast = ({ why }: { why: string | undefined }) => (
  <Empty>
    <p>There is no finished forecast of this group yet.</p>
    {why !== undefined && <p>{why}</p>}
  </Empty>
);

const Gone = ({ id, back }: { id: string; back: string }) => (
  <Empty>
    <p>
      There is no finished forecast <code>{id}</code> of this group.
    </p>
    <a class="button" href={back}>
      The latest one
    </a>
  </Empty>
);

/** One stands open; of several the first, so that they leave room for what was asked for. */
function Remarks({ of: [first, ...others] }: { of: readonly string[] }) {
  if (first === undefined) return null;
  return (
    <Note kind="warn">
      <p>{first}</p>
      {others.length > 0 && (
        <details>
          <summary>{counted(others.length, "further remark")}</summary>
          {others.map((other) => (
            <p key={other}>{other}</p>
          ))}
        </details>
      )}
    </Note>
  );
}
