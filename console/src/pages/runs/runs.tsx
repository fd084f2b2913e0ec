// Runs: everything that was or is being done, the newest first, by state and workflow, over time; many stopped or started again at once.

import { useState } from "preact/hooks";
import type { AnswerOf } from "../../data/client.ts";
import { useMe } from "../../data/me.ts";
import { useAsk, usePages } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { SavedViews } from "../../parts/saved-views.tsx";
import { percent, RunLink, State, When } from "../../parts/show.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";
import { ActOnRuns, type ManyAct, type RunsMeant } from "./acts.tsx";
import { countsWith, facetOf, type RunCount } from "./counts.ts";
import { progressText } from "./timeline.ts";
import { Histogram } from "./histogram.tsx";
import "./runs.css";

const states = ["queued", "running", "retrying", "done", "failed", "cancelled", "dead"] as const;
const spans = [
  { value: "day", name: "60 days" },
  { value: "hour", name: "2 days" },
] as const;

/** An instant of the URL; what is none is not asked for. */
const instantIn = (text: string): string | undefined => (Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString());

type Row = AnswerOf<"GET /api/runs">["runs"][number];

export function Runs() {
  const filters = useFilters();
  const state = states.find((one) => one === filters.get("state"));
  const workflow = filters.get("workflow");
  const parent = filters.get("parent");
  const by = filters.get("by") === "hour" ? "hour" : "day";
  const since = instantIn(filters.get("since"));
  const until = instantIn(filters.get("until"));
  const query = {
    ...(state === undefined ? {} : { state }),
    ...(workflow === "" ? {} : { workflow }),
    ...(parent === "" ? {} : { parent }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  const { parent: _, ...filter } = { parent, ...query };
  const runs = usePages("GET /api/runs", { query }, { live: ["runs"] });
  const counts = useAsk("GET /api/runs/counts", { query: { by } }, { live: ["runs"] });
  return (
    <Page
      title="Runs"
      about="Everything that was or is being done, the newest first."
      acts={
        <CopyAs
          said={{
            method: "GET",
            path: `/api/runs?${new URLSearchParams(query).toString()}`,
            command: ["runs", "list", ...Object.entries(query).flatMap(([name, value]) => [`--${name}`, value])],
          }}
        />
      }
    >
      <SavedViews />
      <Shown of={counts} lines={3}>
        {({ counts, since: from }) => (
          <section class="card">
            <Facets counts={counts} state={state ?? ""} workflow={workflow} onSet={(values) => filters.set(values)} />
            <Histogram
              counts={countsWith(counts, { state: state ?? "", workflow })}
              by={by}
              since={from}
              onStretch={(since, until) => filters.set({ since, until }, "push")}
            >
              {spans.map(({ value, name }) => (
                <button
                  key={value}
                  type="button"
                  class={`button small runs-facet ${value === by ? "chosen" : ""}`}
                  aria-pressed={value === by}
                  onClick={() => filters.set({ by: value === "day" ? "" : value })}
                >
                  {name}
                </button>
              ))}
            </Histogram>
          </section>
        )}
      </Shown>
      {(since !== undefined || until !== undefined) && (
        <p class="row">
          Those that began
          {since !== undefined && (
            <>
              {" "}
              from <When at={since} /> on
            </>
          )}
          {until !== undefined && (
            <>
              {" "}
              before <When at={until} />
            </>
          )}
          <Button small onPress={() => filters.set({ since: "", until: "" })}>
            Show all times
          </Button>
        </p>
      )}
      {parent !== "" && (
        <p class="row">
          Those that <RunLink id={parent} /> started.
          <Button small onPress={() => filters.set({ parent: "" })}>
            Show all
          </Button>
        </p>
      )}
      <Shown of={runs}>{(shown) => <RunList rows={shown.flatMap((page) => page.runs)} filter={filter} isWhole={parent === ""} />}</Shown>
      <More of={runs} />
    </Page>
  );
}

interface FacetsProps {
  readonly counts: readonly RunCount[];
  readonly state: string;
  readonly workflow: string;
  readonly onSet: (values: Readonly<Record<string, string>>) => void;
}

/** Each counts what would be shown: a state among those of the chosen workflow, and the other way round. */
function Facets({ counts, state, workflow, onSet }: FacetsProps) {
  const found = facetOf(countsWith(counts, { workflow }), "state");
  const workflows = facetOf(countsWith(counts, { state }), "workflow");
  return (
    <div class="runs-facets">
      <div class="row" role="group" aria-label="State">
        {["", ...states].map((one) => {
          const count =
            one === "" ? found.reduce((sum, { count }) => sum + count, 0) : (found.find(({ value }) => value === one)?.count ?? 0);
          return (
            <button
              key={one}
              type="button"
              class={`button small runs-facet ${state === one ? "chosen" : ""}`}
              aria-pressed={state === one}
              onClick={() => onSet({ state: one })}
            >
              {one === "" ? "all" : one} <span class="dim">{count}</span>
            </button>
          );
        })}
      </div>
      <SelectField
        title="Workflow"
        value={workflow}
        onValue={(workflow) => onSet({ workflow })}
        choices={[
          { value: "", name: "every workflow" },
          ...(workflow === "" || workflows.some(({ value }) => value === workflow) ? [] : [{ value: workflow, name: `${workflow} (0)` }]),
          ...workflows.map(({ value, count }) => ({ value, name: `${value} (${count})` })),
        ]}
      />
    </div>
  );
}

interface RunListProps {
  readonly rows: readonly Row[];
  readonly filter: Omit<Extract<RunsMeant, { readonly kind: "filter" }>, "kind">;
  /** False: the list has a filter that acts on many do not know. */
  readonly isWhole: boolean;
}

function RunList({ rows, filter, isWhole }: RunListProps) {
  const me = useMe();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<{ readonly act: ManyAct; readonly meant: RunsMeant } | undefined>(undefined);
  const isFiltered = Object.keys(filter).length > 0;
  if (rows.length === 0)
    return (
      <Empty>
        <p>No run is like that.</p>
        {(isFiltered || !isWhole) && (
          <a class="button" href={to("/runs")}>
            Show every run
          </a>
        )}
      </Empty>
    );
  const canAct = me.may("operator");
  const ids = rows.map(({ id }) => id).filter((id) => chosen.has(id));
  return (
    <>
      {canAct && (
        <div class="row runs-acts">
          <span class="dim">{ids.length === 0 ? "Choose runs to act on them" : `${ids.length} chosen`}</span>
          {(["cancel", "retry"] as const).map((act) => (
            <Button key={act} small disabled={ids.length === 0} onPress={() => setAsked({ act, meant: { kind: "ids", ids } })}>
              {act === "cancel" ? "Cancel chosen" : "Start chosen again"}
            </Button>
          ))}
          {isFiltered &&
            isWhole &&
            (["cancel", "retry"] as const).map((act) => (
              <Button key={`all ${act}`} small look="plain" onPress={() => setAsked({ act, meant: { kind: "filter", ...filter } })}>
                {act === "cancel" ? "Cancel all of this filter" : "Start all of this filter again"}
              </Button>
            ))}
        </div>
      )}
      <Table
        label="Runs"
        rows={rows}
        idOf={({ id }) => id}
        {...(canAct ? { chosen, onChosen: setChosen } : {})}
        columns={[
          { id: "title", title: "What", cell: ({ id, title }) => <RunLink id={id}>{title}</RunLink>, by: ({ title }) => title },
          { id: "state", title: "State", cell: (run) => <RunState run={run} />, by: ({ state }) => state },
          { id: "workflow", title: "Workflow", cell: ({ workflow }) => <code>{workflow}</code>, by: ({ workflow }) => workflow },
          { id: "began", title: "Began", cell: ({ createdAt }) => <When at={createdAt} />, by: ({ createdAt }) => createdAt },
          { id: "at", title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} />, by: ({ updatedAt }) => updatedAt },
        ]}
      />
      {asked !== undefined && <ActOnRuns {...asked} onDone={() => setChosen(new Set())} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function RunState({ run: { state, progress, error } }: { run: Row }) {
  return (
    <>
      <State of={state} />
      {progress !== undefined && state === "running" && (
        <span class="dim"> {progress.total > 0 ? percent(progress.done / progress.total, { digits: 0 }) : progressText(progress)}</span>
      )}
      {error !== undefined && state !== "done" && <div class="dim mono">{error.code}</div>}
    </>
  );
}
