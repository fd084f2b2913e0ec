// Home: how things stand, and one list of what waits for a person.

import { useLocation } from "preact-iso";
import { useMe } from "../../data/me.ts";
import { useAsk } from "../../data/query.ts";
import { to } from "../../data/url.ts";
import { useWaiting } from "../../data/waiting.ts";
import { totalText, type Wait } from "../../data/waits.ts";
import { Page } from "../../frame/page.tsx";
import { DropZone } from "../../parts/drop-zone.tsx";
import { Badge, Figure, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { dropped } from "../upload/dropped.ts";

export function Home() {
  const waiting = useWaiting();
  const me = useMe();
  const { route } = useLocation();
  return (
    <Page title="Home" about="How things stand, and what waits for a person.">
      <div class="cards">
        <Health />
        <Freshness />
        <NextSchedule />
      </div>
      {me.may("operator") && (
        <DropZone
          title="Drop a file here, or choose one"
          onFile={(file) => {
            dropped.value = file;
            route(to("/upload"));
          }}
        >
          <span class="dim">What it holds and what would start is shown first.</span>
        </DropZone>
      )}
      <section class="card">
        <header>
          <h2>Waits for a person</h2>
          {waiting.value !== undefined && <span class="dim">{totalText(waiting.value)}</span>}
        </header>
        <Shown of={waiting}>{(rows) => (rows.length === 0 ? <Empty>Nothing waits for a person.</Empty> : <WaitTable rows={rows} />)}</Shown>
      </section>
    </Page>
  );
}

const tones = { 3: "bad", 2: "warn", 1: "plain" } as const;

function WaitTable({ rows }: { rows: readonly Wait[] }) {
  return (
    <Table
      label="What waits for a person, worst first"
      rows={rows}
      idOf={({ id }) => id}
      columns={[
        { id: "title", title: "What", cell: ({ title, href }) => <a href={href}>{title}</a> },
        { id: "kind", title: "Kind", cell: ({ kind, weight }) => <Badge tone={tones[weight]}>{kind}</Badge> },
        { id: "why", title: "Why", cell: ({ why }) => why },
        { id: "at", title: "Since", cell: ({ at }) => <When at={at} /> },
      ]}
    />
  );
}

function Health() {
  const health = useAsk("GET /health", undefined, { everyMs: 15_000 });
  return (
    <section class="card">
      <h2>Health</h2>
      <Shown of={health} lines={2}>
        {({ ready, parts }) => (
          <Figure
            title={Object.entries(parts)
              .map(([name, { ok, ms }]) => `${name} ${ok ? `${ms.toFixed(0)} ms` : "does not answer"}`)
              .join(", ")}
          >
            <span class={ready ? "good" : "bad"}>{ready ? "Every part answers" : "A part does not answer"}</span>
          </Figure>
        )}
      </Shown>
    </section>
  );
}

function Freshness() {
  const newest = useAsk("GET /api/events", { query: { kind: "object.stored", limit: 1 } }, { live: ["events"] });
  return (
    <section class="card">
      <h2>Freshness</h2>
      <Shown of={newest} lines={2}>
        {({ events: [event] }) =>
          event === undefined ? (
            <span class="dim">No file has come yet.</span>
          ) : (
            <Figure title={event.subject}>{<When at={event.at} />}</Figure>
          )
        }
      </Shown>
    </section>
  );
}

function NextSchedule() {
  const schedules = useAsk("GET /api/schedules", undefined, { live: ["events"] });
  return (
    <section class="card">
      <h2>Next by the clock</h2>
      <Shown of={schedules} lines={2}>
        {({ schedules }) => {
          const next = schedules
            .filter(({ nextAt }) => !Number.isNaN(Date.parse(nextAt)))
            .toSorted((a, b) => a.nextAt.localeCompare(b.nextAt))[0];
          return next === undefined ? (
            <span class="dim">Nothing runs by the clock.</span>
          ) : (
            <Figure title={next.name}>{<When at={next.nextAt} />}</Figure>
          );
        }}
      </Shown>
    </section>
  );
}
