// Following a file that was stored: the runs it started, those that they started, and the forecast of its group, to their end.

import { client, type AnswerOf } from "../../data/client.ts";
import { useAnswer, useAsk } from "../../data/query.ts";
import { to } from "../../data/url.ts";
import { usePlace } from "../../data/place.ts";
import { Bar, Facts, RunLink, State, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { linksIn } from "../runs/lineage.ts";
import { progressText } from "../runs/timeline.ts";

type Row = AnswerOf<"GET /api/runs">["runs"][number];

const mostDeep = 4;
/** Clocks of the database and of the store may differ a little. */
const earlierMs = 60_000;

/** The runs that were started by this version of the object, and all that those started. */
async function findStarted(name: string, version: string, signal: AbortSignal): Promise<readonly Row[]> {
  const [{ subscriptions }, { objects }] = await Promise.all([
    client.call("GET /api/subscriptions", { signal }),
    client.call("GET /api/object-versions", { query: { key: name }, signal }),
  ]);
  const storedAt = Date.parse(objects.find((one) => one.version === version)?.storedAt ?? new Date().toISOString());
  const workflows = new Set(
    subscriptions.filter(({ kind, prefix }) => kind === "object.stored" && name.startsWith(prefix)).map(({ workflow }) => workflow),
  );
  const found: Row[] = [];
  for (const workflow of workflows) {
    const { runs } = await client.call("GET /api/runs", { query: { workflow, limit: 20 }, signal });
    for (const run of runs.filter(({ createdAt }) => Date.parse(createdAt) >= storedAt - earlierMs)) {
      const { input } = await client.call("GET /api/runs/:id", { params: { id: run.id }, signal });
      if (linksIn(input).some((link) => link.kind === "object" && link.name === name && link.version === version)) found.push(run);
    }
  }
  return [...found, ...(await findChildren(found, signal))];
}

async function findChildren(parents: readonly Row[], signal: AbortSignal, depth = 1): Promise<readonly Row[]> {
  if (parents.length === 0 || depth > mostDeep) return [];
  const pages = await Promise.all(
    parents.map(async ({ id }) => await client.call("GET /api/runs", { query: { parent: id, limit: 50 }, signal })),
  );
  const children = pages.flatMap(({ runs }) => runs);
  return [...children, ...(await findChildren(children, signal, depth + 1))];
}

const open: ReadonlySet<string> = new Set(["queued", "running", "retrying"]);
const bad: ReadonlySet<string> = new Set(["failed", "dead", "cancelled"]);

export function Follow({ name, version }: { name: string; version: string }) {
  const started = useAnswer(
    ["started", name, version, { live: ["runs", "events"] }],
    async (signal) => await findStarted(name, version, signal),
    { everyMs: 10_000 },
  );
  const group = /^forecast\/train\/(?:.*\/)?([^/.]+)\./.exec(name)?.[1];
  const { modules } = usePlace();
  return (
    <>
      <Note kind="good">
        <p>
          Stored as <a href={to("/objects", { key: name, version })}>{name}</a>, version <code>{version}</code>.
        </p>
      </Note>
      {group !== undefined && modules.includes("forecast") && <Group name={group} />}
      <section class="card">
        <h2>What it started</h2>
        <Shown of={started}>{(runs) => (runs.length === 0 ? <Empty>Nothing has started yet.</Empty> : <Started runs={runs} />)}</Shown>
      </section>
    </>
  );
}

function Started({ runs }: { runs: readonly Row[] }) {
  const left = runs.filter(({ state }) => open.has(state)).length;
  const failed = runs.filter(({ state }) => bad.has(state));
  return (
    <>
      <p role="status">
        {left > 0
          ? `${runs.length - left} of ${runs.length} runs have ended.`
          : failed.length > 0
            ? `All have ended, ${failed.length} of them badly.`
            : "All have ended well."}
      </p>
      <Table
        label="Runs that it started"
        rows={runs}
        idOf={({ id }) => id}
        columns={[
          { id: "title", title: "What", cell: ({ id, title }) => <RunLink id={id}>{title}</RunLink> },
          {
            id: "state",
            title: "State",
            cell: ({ state, progress }) => (
              <>
                <State of={state} />
                {progress !== undefined &&
                  open.has(state) &&
                  (progress.total > 0 ? (
                    <Bar share={progress.done / progress.total} label={progressText(progress)} />
                  ) : (
                    <span class="dim"> {progressText(progress)}</span>
                  ))}
              </>
            ),
          },
          {
            id: "error",
            title: "Error",
            cell: ({ id, state, error }) =>
              error === undefined || !bad.has(state) ? (
                ""
              ) : (
                <>
                  {error.message} {state === "dead" && <a href={to("/dead", { run: id })}>Mend it</a>}
                </>
              ),
          },
          { id: "at", title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} /> },
        ]}
      />
    </>
  );
}

/** What the group is about at present, and where its forecast is seen. */
function Group({ name }: { name: string }) {
  const groups = useAsk("GET /api/forecast/groups", undefined, { live: ["runs", "events"] });
  return (
    <Shown of={groups} lines={2}>
      {({ groups }) => {
        const group = groups.find((one) => one.name === name);
        if (group === undefined) return null;
        return (
          <section class="card">
            <h2>The group {name}</h2>
            <Facts
              of={[
                ["State", <State of={group.state} />],
                ["Why", group.why ?? ""],
                ["Result", <a href={to(`/forecasts/${encodeURIComponent(name)}`)}>Its forecasts</a>],
              ]}
            />
          </section>
        );
      }}
    </Shown>
  );
}
