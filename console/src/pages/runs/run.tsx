// A run: its steps in time, what it was given and what came of it.

import { useAsk } from "../../data/query.ts";
import { Page } from "../../frame/page.tsx";
import { Facts, RunLink, spanText, State, When } from "../../parts/show.tsx";
import { Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";

export function Run({ id = "" }: Readonly<Record<string, string>>) {
  const run = useAsk("GET /api/runs/:id", { params: { id } }, { live: ["runs"] });
  return (
    <Shown of={run}>
      {({ title, state, workflow, queue, tries, createdAt, updatedAt, parent, error, steps, input, output }) => (
        <Page title={title} about={<State of={state} />}>
          {error !== undefined && (
            <Note kind="bad">
              <p>{error.message}</p>
              <span class="dim mono">{error.code}</span>
            </Note>
          )}
          <Facts
            of={[
              ["Workflow", <code>{workflow}</code>],
              ["Queue", queue],
              ["Tries", String(tries)],
              ["Began", <When at={createdAt} />],
              ["Changed", <When at={updatedAt} />],
              ["Started by", parent === undefined ? "" : <RunLink id={parent} />],
            ]}
          />
          <section class="card">
            <h2>Steps</h2>
            <Table
              label="Steps"
              rows={steps}
              idOf={({ name }) => name}
              columns={[
                { id: "name", title: "Step", cell: ({ name }) => <code>{name}</code> },
                { id: "tries", title: "Tries", number: true, cell: ({ tries }) => String(tries) },
                {
                  id: "took",
                  title: "Took",
                  number: true,
                  cell: ({ startedAt, endedAt }) =>
                    startedAt === undefined || endedAt === undefined ? "" : spanText(Date.parse(endedAt) - Date.parse(startedAt)),
                },
                { id: "error", title: "Error", cell: ({ error }) => error ?? "" },
              ]}
            />
          </section>
          <section class="card">
            <h2>Given and made</h2>
            <pre>{JSON.stringify({ input, output }, undefined, 2)}</pre>
          </section>
        </Page>
      )}
    </Shown>
  );
}
