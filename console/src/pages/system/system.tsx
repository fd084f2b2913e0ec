// How the installation stands: which parts answer, who works, what the store holds and how it grows, how much room there is.

import type { AnswerOf } from "../../data/client.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { Chart } from "../../parts/chart.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { Badge, Bar, bytesText, Figure, percent, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { figures, Table } from "../../parts/table.tsx";
import { cumulated } from "./growth.ts";

type Growth = AnswerOf<"GET /api/growth">;
type Worker = Growth["workers"][number];
type Zone = Growth["zones"][number];

const spans = [
  { value: "", name: "30 days" },
  { value: "90", name: "90 days" },
  { value: "366", name: "a year" },
] as const;

export function System() {
  const filters = useFilters();
  const days = Number(filters.get("days") === "" ? "30" : filters.get("days"));
  const growth = useAsk("GET /api/growth", { query: { days: Number.isInteger(days) ? days : 30 } }, { live: ["runs"], everyMs: 30_000 });
  return (
    <Page
      title="Health and growth"
      about="Which parts answer, who works, what the store holds and how much room there is."
      acts={<CopyAs said={{ method: "GET", path: `/api/growth?days=${days}`, command: ["doctor"] }} />}
    >
      <Parts />
      <Shown of={growth} lines={8}>
        {(growth) => (
          <>
            <Workers workers={growth.workers} />
            <Room growth={growth} />
            <section class="card">
              <header>
                <h2>What the store holds</h2>
                <SelectField title="Over" value={filters.get("days")} choices={spans} onValue={(days) => filters.set({ days })} />
              </header>
              <Grown growth={growth} />
              <ZoneTable zones={growth.zones} />
            </section>
          </>
        )}
      </Shown>
    </Page>
  );
}

function Parts() {
  const health = useAsk("GET /health", undefined, { everyMs: 15_000 });
  return (
    <section class="card" aria-label="Parts">
      <h2>Parts</h2>
      <Shown of={health} lines={3}>
        {({ parts }) => (
          <Table
            label="Parts"
            rows={Object.entries(parts).map(([name, part]) => ({ name, ...part }))}
            idOf={({ name }) => name}
            sortName="parts"
            columns={[
              { id: "name", title: "Part", cell: ({ name }) => name },
              {
                id: "ok",
                title: "State",
                cell: ({ ok }) => <Badge tone={ok ? "good" : "bad"}>{ok ? "answers" : "does not answer"}</Badge>,
              },
              { id: "ms", title: "In", number: true, cell: ({ ms }) => `${ms} ms` },
            ]}
          />
        )}
      </Shown>
    </section>
  );
}

/** Silent for longer than a worker's word is due. */
const silentMs = 60_000;

const Workers = ({ workers }: { workers: readonly Worker[] }) => (
  <section class="card" aria-label="Workers">
    <h2>Workers</h2>
    {workers.length === 0 ? (
      <Empty>
        <p>No process takes up runs: what is started waits.</p>
        <code>stockroom worker</code>
      </Empty>
    ) : (
      <Table
        label="Workers"
        rows={workers}
        idOf={({ id }) => id}
        sortName="workers"
        columns={[
          { id: "id", title: "Process", cell: ({ id }) => <code>{id}</code> },
          {
            id: "state",
            title: "State",
            cell: ({ seenAt }) =>
              Date.now() - Date.parse(seenAt) > silentMs ? <Badge tone="warn">silent</Badge> : <Badge tone="good">works</Badge>,
          },
          { id: "since", title: "Since", cell: ({ since }) => <When at={since} /> },
          { id: "seen", title: "Last heard of", cell: ({ seenAt }) => <When at={seenAt} /> },
          { id: "workflows", title: "Workflows", number: true, cell: ({ workflows }) => workflows },
          {
            id: "runs",
            title: "Runs at present",
            number: true,
            cell: ({ runs }) => (runs === 0 ? "0" : <a href={to("/runs", { state: "running" })}>{runs}</a>),
          },
        ]}
      />
    )}
  </section>
);

const Room = ({ growth: { database, disks } }: { growth: Growth }) => (
  <section class="card" aria-label="Room">
    <h2>Room</h2>
    <div class="cards">
      <Figure title="Database">{bytesText(database.bytes)}</Figure>
      {disks.map(({ folder, free, size }) => (
        <Figure key={folder} title={`Disk of ${folder}`} note={`${percent(size === 0 ? null : free / size)} of ${bytesText(size)}`}>
          {bytesText(free)} free
          <Bar share={size === 0 ? 0 : 1 - free / size} label={`${percent(size === 0 ? null : 1 - free / size)} of the disk is used`} />
        </Figure>
      ))}
    </div>
  </section>
);

function Grown({ growth: { since, days, zones } }: { growth: Growth }) {
  const all = cumulated(since, Date.now(), days, zones);
  return (
    <Chart
      title="Sealed bytes in the store at the end of each day (UTC)"
      at={all.at}
      height={180}
      format={bytesText}
      lines={[{ title: "Bytes", values: all.bytes, colour: "--chart-1" }]}
    />
  );
}

const ZoneTable = ({ zones }: { zones: readonly Zone[] }) => (
  <Table
    label="Bytes by zone"
    rows={zones}
    idOf={({ zone }) => zone}
    sortName="zones"
    columns={[
      { id: "zone", title: "Zone", by: ({ zone }) => zone, cell: ({ zone }) => <code>{zone}</code> },
      figures("objects", "Objects, former ones too", ({ objects }: Zone) => objects, String),
      figures(
        "bytes",
        "Bytes",
        ({ bytes }: Zone) => bytes,
        (bytes) => bytesText(bytes ?? 0),
      ),
    ]}
  />
);
