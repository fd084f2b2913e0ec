// Exports: the tables of a forecast as downloads, and what it was made of.

import { useAsk } from "../../data/query.ts";
import { CopyAs } from "../../parts/button.tsx";
import { bytesText, Facts, RunLink, When } from "../../parts/show.tsx";
import { Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import type { Looked } from "./group.tsx";

const about: Readonly<Record<string, string>> = {
  forecast: "The system's forecast",
  adjusted: "With what planners set",
  models: "Which models made each series' forecast",
  accuracy: "How good, by series",
  "backtest/forecasted-values": "What the backtests said, beside what was sold",
  "backtest/accuracy-metrics": "How good, by series and window",
  "dashboard.html": "One page to send on, works without a network",
  "dashboard.json": "Its data",
};

export function Exports({ run }: Looked) {
  const answer = useAsk("GET /api/forecast/runs/:id", { params: { id: run.id } }, { live: ["events"] });
  const base = `/api/forecast/runs/${encodeURIComponent(run.id)}`;
  return (
    <Shown of={answer}>
      {({ run, exports }) => (
        <>
          <section class="card">
            <header>
              <h2>Downloads</h2>
              <CopyAs
                said={{ method: "GET", path: `${base}/exports/forecast`, command: ["forecasts", "export", run.group, "--out", run.group] }}
              />
            </header>
            <Table
              label="Exports"
              rows={exports}
              idOf={({ name }) => name}
              tight
              columns={[
                {
                  id: "name",
                  title: "Table",
                  by: ({ name }) => name,
                  cell: ({ name }) => (
                    <a href={`${base}/exports/${name.split("/").map(encodeURIComponent).join("/")}`} download>
                      {name}
                    </a>
                  ),
                },
                {
                  id: "about",
                  title: "What it is",
                  cell: ({ name }) =>
                    about[name] ?? (name.startsWith("aggregated/") ? "History, backtests and forecast of a month, one table" : ""),
                },
                { id: "bytes", title: "Size", number: true, by: ({ bytes }) => bytes, cell: ({ bytes }) => bytesText(bytes) },
                { id: "key", title: "Key", cell: ({ key }) => <span class="dim">{key}</span> },
              ]}
            />
          </section>
          <section class="card">
            <h2>Made of</h2>
            <Facts
              of={[
                ["Forecast", <code>{run.id}</code>],
                ["Run", <RunLink id={run.runId} />],
                ["Began", <When at={run.startedAt} />],
                ["Ended", <When at={run.endedAt} />],
                ...Object.entries(run.inputs).map(
                  ([name, input]) => [`File: ${name}`, input === undefined ? "" : `${input.key} (${input.version})`] as const,
                ),
                ["Models of", run.reuses ?? ""],
              ]}
            />
            <details>
              <summary>Settings it had</summary>
              <pre>{JSON.stringify(run.settings, undefined, 2)}</pre>
            </details>
          </section>
        </>
      )}
    </Shown>
  );
}
