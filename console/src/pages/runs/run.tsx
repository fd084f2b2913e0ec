// A run: its steps in time, what it was given and what came of it, the runs it started, what was done to it; stopped or started again.

import { useEffect, useState } from "preact/hooks";
import type { AnswerOf } from "../../data/client.ts";
import { useMe } from "../../data/me.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Facts, RunLink, spanText, State, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { ActOnRun, canBe, words, type RunAct } from "./acts.tsx";
import { logPlace, RunLog } from "./log.tsx";
import { linksIn, type Link } from "./lineage.ts";
import { progressText, timeLineOf } from "./timeline.ts";
import "./runs.css";

type Detail = AnswerOf<"GET /api/runs/:id">;

export function Run({ id = "" }: Readonly<Record<string, string>>) {
  const run = useAsk("GET /api/runs/:id", { params: { id } }, { live: ["runs"] });
  if (run.value === undefined)
    return (
      <Page title="Run">
        <Shown of={run}>{() => null}</Shown>
      </Page>
    );
  return <RunPage key={id} run={run.value} />;
}

function RunPage({ run }: { run: Detail }) {
  const me = useMe();
  const [act, setAct] = useState<RunAct | undefined>(undefined);
  const { id, title, state, workflow, queue, tries, crashes, executor, createdAt, updatedAt, parent, error, progress } = run;
  return (
    <Page
      title={title}
      about={<State of={state} />}
      acts={
        <>
          {me.may("operator") &&
            (["retry", "rerun", "cancel"] as const)
              .filter((act) => canBe(act, run))
              .map((act) => (
                <Button key={act} {...(act === "rerun" ? {} : { look: act === "cancel" ? "danger" : "first" })} onPress={() => setAct(act)}>
                  {words[act].act}
                </Button>
              ))}
          <CopyAs said={{ method: "GET", path: `/api/runs/${encodeURIComponent(id)}`, command: ["runs", "show", id] }} small={false} />
        </>
      }
    >
      {act !== undefined && <ActOnRun act={act} id={id} title={title} onClose={() => setAct(undefined)} />}
      {error !== undefined && state !== "done" && (
        <Note kind="bad">
          <p>{error.message}</p>
          <span class="dim mono">{error.code}</span>
          {state === "dead" && <a href={to("/dead", { run: id })}>Its dead letter</a>}
        </Note>
      )}
      <Facts
        of={[
          ["Workflow", <a href={to("/runs", { workflow })}>{workflow}</a>],
          ["Id", <code>{id}</code>],
          ["Queue", queue],
          ["Tries", crashes === 0 ? String(tries) : `${tries}, of which ${crashes} ended with their process`],
          ["Process", executor === undefined ? "" : <code>{executor}</code>],
          ["Began", <When at={createdAt} />],
          ["Changed", <When at={updatedAt} />],
          ["Progress", progress === undefined ? "" : progressText(progress)],
          ["Started by", parent === undefined ? "" : <RunLink id={parent} />],
        ]}
      />
      <TimeLine run={run} />
      <RunLog id={id} steps={run.steps.map(({ name }) => name)} isOpen={underWay.has(state)} />
      <Lineage run={run} />
      <Children id={id} />
      <Acts id={id} />
    </Page>
  );
}

const underWay: ReadonlySet<string> = new Set(["queued", "running", "retrying"]);

function TimeLine({ run }: { run: Detail }) {
  const filters = useFilters();
  const isOpen = underWay.has(run.state);
  const showLog = (step: string): void => {
    filters.set({ step });
    document.querySelector(`#${logPlace}`)?.scrollIntoView({ block: "nearest" });
  };
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isOpen]);
  const { beginMs, endMs, bars } = timeLineOf(run, isOpen ? now : undefined);
  const lastEnd = Math.max(0, ...bars.map(({ from, width }) => from + width));
  return (
    <section class="card runs-line">
      <header>
        <h2>Steps</h2>
        <span class="dim">{spanText(endMs - beginMs)} in all</span>
      </header>
      {bars.length === 0 && <Empty>{isOpen ? "No step is done yet." : "It has no steps."}</Empty>}
      <ol>
        {bars.map(({ step: { name, error, tries }, from, width, tookMs }) => (
          <li key={name}>
            <span>
              <button type="button" class="runs-step" title={`Show what was logged in ${name}`} onClick={() => showLog(name)}>
                <code>{name}</code>
              </button>
              {tries > 1 && <span class="dim"> · {tries} tries</span>}
            </span>
            <span class="runs-track" aria-hidden="true">
              <i class={error === undefined ? "" : "bad"} style={{ left: `${from * 100}%`, width: `${width * 100}%` }} />
            </span>
            <span class="num">{tookMs === undefined ? "–" : spanText(tookMs)}</span>
            {error !== undefined && <span class="runs-error">{error}</span>}
          </li>
        ))}
        {isOpen && (
          <li>
            <span class="dim">{run.progress?.note === undefined || run.progress.note === "" ? run.state : run.progress.note}</span>
            <span class="runs-track" aria-hidden="true">
              <i class="now" style={{ left: `${lastEnd * 100}%`, right: "0" }} />
            </span>
            <span class="num">{spanText((1 - lastEnd) * (endMs - beginMs))}</span>
          </li>
        )}
      </ol>
    </section>
  );
}

/** A forecast is shown with its group, which is beside it; without one there is the list. */
const placeOf = ({ kind, name, version }: Link, groups: readonly string[]): string =>
  kind === "object"
    ? to("/objects", { key: name, version })
    : kind === "line"
      ? to(`/lines/${encodeURIComponent(name)}`)
      : kind === "model"
        ? to("/lines", { model: name })
        : kind === "group"
          ? to(`/forecasts/${encodeURIComponent(name)}`)
          : kind === "forecast"
            ? groups.length === 1
              ? to(`/forecasts/${encodeURIComponent(groups[0] ?? "")}`, { run: name })
              : to("/forecasts")
            : to(`/runs/${encodeURIComponent(name)}`);

/** Links to what is named in a value, and the value itself, whole. */
function Links({ title, of, beside }: { title: string; of: unknown; beside: unknown }) {
  const links = linksIn(of);
  const groups = linksIn([of, beside]).flatMap(({ kind, name }) => (kind === "group" ? [name] : []));
  return (
    <section class="card">
      <h2>{title}</h2>
      {of === undefined || of === null ? (
        <span class="dim">Nothing.</span>
      ) : (
        <>
          {links.length > 0 && <Facts of={links.map((link) => [link.kind, <a href={placeOf(link, groups)}>{link.name}</a>] as const)} />}
          <details open={links.length === 0}>
            <summary>As JSON</summary>
            <pre>{JSON.stringify(of, undefined, 2)}</pre>
          </details>
        </>
      )}
    </section>
  );
}

const Lineage = ({ run: { input, output } }: { run: Detail }) => (
  <div class="cards">
    <Links title="Given" of={input} beside={output} />
    <Links title="Made" of={output} beside={input} />
  </div>
);

function Children({ id }: { id: string }) {
  const children = useAsk("GET /api/runs", { query: { parent: id, limit: 50 } }, { live: ["runs"] });
  if (children.value !== undefined && children.value.runs.length === 0) return null;
  return (
    <section class="card">
      <header>
        <h2>Runs it started</h2>
        {children.value?.next !== undefined && <a href={to("/runs", { parent: id })}>All of them</a>}
      </header>
      <Shown of={children}>
        {({ runs }) => (
          <Table
            label="Runs it started"
            rows={runs}
            idOf={({ id }) => id}
            sortName="children"
            columns={[
              { id: "title", title: "What", cell: ({ id, title }) => <RunLink id={id}>{title}</RunLink> },
              { id: "state", title: "State", cell: ({ state }) => <State of={state} />, by: ({ state }) => state },
              { id: "at", title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} /> },
            ]}
          />
        )}
      </Shown>
    </section>
  );
}

/** What people did to it, with their reasons. */
function Acts({ id }: { id: string }) {
  const events = useAsk("GET /api/events", { query: { prefix: id, limit: 50 } }, { live: ["events"] });
  const own = (events.value?.events ?? []).filter(({ subject }) => subject === id);
  if (own.length === 0) return null;
  return (
    <section class="card">
      <h2>What was done to it</h2>
      <Table
        label="What was done to it"
        rows={own}
        idOf={({ id }) => String(id)}
        sortName="acts"
        columns={[
          { id: "kind", title: "What", cell: ({ kind }) => <code>{kind}</code> },
          { id: "by", title: "By", cell: ({ data, by }) => textOf(data["by"]) ?? by ?? "" },
          { id: "reason", title: "Reason", cell: ({ data }) => textOf(data["reason"]) ?? "" },
          { id: "at", title: "When", cell: ({ at }) => <When at={at} /> },
        ]}
      />
    </section>
  );
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
