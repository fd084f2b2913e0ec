// Runs: everything that was or is being done, the newest first.

import { usePages } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { RunLink, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";

const states = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const;

export function Runs() {
  const filters = useFilters();
  const state = states.find((one) => one === filters.get("state"));
  const workflow = filters.get("workflow");
  const runs = usePages(
    "GET /api/runs",
    { query: { ...(state === undefined ? {} : { state }), ...(workflow === "" ? {} : { workflow }) } },
    { live: ["runs"] },
  );
  return (
    <Page
      title="Runs"
      about="Everything that was or is being done, the newest first."
      acts={<CopyAs said={{ method: "GET", path: `/api/runs${location.search}`, command: ["runs", "list"] }} />}
    >
      <div class="filters">
        <SelectField
          title="State"
          value={filters.get("state")}
          onValue={(state) => filters.set({ state })}
          choices={[{ value: "", name: "every state" }, ...states]}
        />
        <TextField title="Workflow" value={workflow} onValue={(workflow) => filters.set({ workflow })} />
      </div>
      <Shown of={runs}>
        {(shown) => {
          const rows = shown.flatMap((page) => page.runs);
          if (rows.length === 0) return <Empty>No run is like that.</Empty>;
          return (
            <Table
              label="Runs"
              rows={rows}
              idOf={({ id }) => id}
              columns={[
                { id: "title", title: "What", cell: ({ id, title }) => <RunLink id={id}>{title}</RunLink> },
                { id: "state", title: "State", cell: ({ state }) => <State of={state} /> },
                { id: "workflow", title: "Workflow", cell: ({ workflow }) => <code>{workflow}</code> },
                { id: "at", title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} /> },
              ]}
            />
          );
        }}
      </Shown>
      <More of={runs} />
    </Page>
  );
}
