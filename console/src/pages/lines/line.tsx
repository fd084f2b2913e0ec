// A line: its champion, what its models scored over time, the verdicts, drift, and what an operator can do.

import { schemeOf } from "../../data/codebook.ts";
import { useMe } from "../../data/me.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { CopyAs } from "../../parts/button.tsx";
import { Chart } from "../../parts/chart.tsx";
import { Badge, Figure, percent, State, Tabs, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Crown, RuleOnHeld, SetAutomatic } from "./acts.tsx";
import { Codings } from "./codings.tsx";
import { metricOf, shortModel, type Champions, type Line as LineRow, type Model } from "./shape.ts";
import { VerdictView } from "./verdict.tsx";
import "./lines.css";

const tabs = [
  { value: "models", name: "Models" },
  { value: "verdicts", name: "Verdicts" },
  { value: "drift", name: "Codings and drift" },
  { value: "words", name: "Champions and words" },
] as const;

export function Line({ line = "" }: Readonly<Record<string, string>>) {
  const filters = useFilters();
  const tab = tabs.find(({ value }) => value === filters.get("tab"))?.value ?? "models";
  const lines = useAsk("GET /api/classify/lines", {}, { live: ["events"] });
  const champions = useAsk("GET /api/classify/champions", { query: { line } }, { live: ["events"] });
  const me = useMe();
  const row = lines.value?.lines.find((one) => one.line === line);
  return (
    <Page
      title={line}
      about={row === undefined ? undefined : <About row={row} />}
      acts={
        <>
          {row !== undefined && me.may("operator") && <SetAutomatic line={line} automatic={row.automatic} />}
          <CopyAs
            said={{
              method: "GET",
              path: `/api/classify/models?line=${encodeURIComponent(line)}`,
              command: ["classify", "models", "list", line],
            }}
            small={false}
          />
        </>
      }
    >
      <Shown of={lines}>
        {() =>
          row === undefined ? (
            <Empty>
              <p>There is no line {line}.</p>
              <a class="button" href={to("/lines")}>
                All lines
              </a>
            </Empty>
          ) : (
            <>
              <Held champions={champions.value} mayRule={me.may("operator")} />
              <Standing row={row} />
              <Tabs
                label="Of this line"
                here={tab}
                of={tabs.map(({ value, name }) => ({ value, name, href: to(`/lines/${encodeURIComponent(line)}`, { tab: value }) }))}
              />
              {tab === "models" && <Models line={line} row={row} champions={champions.value} />}
              {tab === "verdicts" && <Verdicts line={line} />}
              {tab === "drift" && <Codings line={line} />}
              {tab === "words" && <Shown of={champions}>{(value) => <Words champions={value} />}</Shown>}
            </>
          )
        }
      </Shown>
    </Page>
  );
}

const About = ({ row: { country, scheme, automatic } }: { row: LineRow }) => (
  <>
    {country}, scheme {scheme}{" "}
    <Badge tone={automatic ? "good" : "bad"}>{automatic ? "decides by itself where it is sure" : "on review: people decide all"}</Badge>
  </>
);

function Held({ champions, mayRule }: { champions: Champions | undefined; mayRule: boolean }) {
  return (
    <>
      {(champions?.held ?? []).map((held) => (
        <Note key={held.verdict} kind="warn">
          <b>A promotion waits for a person</b>
          <p>{held.reason}</p>
          <div class="row">
            {mayRule && <RuleOnHeld {...held} />}
            <a href={to(`/lines/${encodeURIComponent(held.line)}`, { tab: "verdicts", verdict: held.verdict })}>The verdict</a>
            <When at={held.at} />
          </div>
        </Note>
      ))}
    </>
  );
}

const Standing = ({ row }: { row: LineRow }) => (
  <div class="cards">
    <section class="card">
      <Figure title="Champion" note={<When at={row.championSince} />}>
        <span class="mono">{row.champion === undefined ? "none" : shortModel(row.champion)}</span>
      </Figure>
    </section>
    <section class="card">
      <Figure title="Macro F1 on unseen items">{row.macroF1?.toFixed(3) ?? "–"}</Figure>
    </section>
    <section class="card">
      <Figure title="Decided by itself, of unseen items" note={row.whyNothing}>
        {percent(row.coverage, { digits: 0 })}
      </Figure>
    </section>
    <section class="card">
      <Figure title="Last verdict">{row.lastVerdict === undefined ? "–" : <State of={row.lastVerdict} />}</Figure>
    </section>
  </div>
);

function Models({ line, row, champions }: { line: string; row: LineRow; champions: Champions | undefined }) {
  const me = useMe();
  const models = useAsk("GET /api/classify/models", { query: { line, limit: 200 } }, { live: ["events"] });
  const former = new Set((champions?.champions ?? []).map(({ model }) => model));
  return (
    <Shown of={models}>
      {({ models }) => {
        if (models.length === 0) return <Empty>No model yet. A file of labelled items of this country trains one.</Empty>;
        return (
          <>
            <section class="card">
              <ScoreChart models={models} />
            </section>
            <Table
              label="Models of this line"
              rows={models}
              idOf={({ id }) => id}
              columns={[
                {
                  id: "id",
                  title: "Model",
                  cell: ({ id, champion }) => (
                    <span class="row">
                      <code title={id}>{shortModel(id)}</code> {champion && <Badge tone="good">champion</Badge>}
                    </span>
                  ),
                },
                { id: "at", title: "Trained", cell: ({ trainedAt }) => <When at={trainedAt} />, by: ({ trainedAt }) => trainedAt },
                ...columnsOf(),
                { id: "version", title: "Scheme version", cell: ({ schemeVersion }) => schemeVersion },
                {
                  id: "act",
                  title: "",
                  cell: ({ id, champion }) =>
                    me.may("operator") && !champion && <Crown line={line} model={id} former={row.champion} isBack={former.has(id)} />,
                },
              ]}
            />
          </>
        );
      }}
    </Shown>
  );
}

const columnsOf = () =>
  [
    { id: "macro", title: "Macro F1", name: "macro_f1", show: (value: number | undefined) => value?.toFixed(3) ?? "–" },
    { id: "accuracy", title: "Right", name: "accuracy", show: (value: number | undefined) => percent(value) },
    { id: "coverage", title: "By itself", name: "coverage", show: (value: number | undefined) => percent(value, { digits: 0 }) },
  ].map(({ id, title, name, show }) => ({
    id,
    title,
    number: true,
    cell: (model: Model) => show(metricOf(model, name)),
    by: (model: Model) => metricOf(model, name),
  }));

function ScoreChart({ models }: { models: readonly Model[] }) {
  const rows = models.toSorted((a, b) => Date.parse(a.trainedAt) - Date.parse(b.trainedAt));
  return (
    <Chart
      title="Score of the line's models by when they were trained, each on its own unseen items"
      at={rows.map(({ trainedAt }) => trainedAt)}
      format={(value) => value.toFixed(3)}
      lines={[
        { title: "Macro F1", values: rows.map((model) => metricOf(model, "macro_f1")) },
        { title: "Share right", values: rows.map((model) => metricOf(model, "accuracy")), dash: true },
        {
          title: "Champion",
          look: "points",
          colour: "--chart-3",
          values: rows.map((model) => (model.champion ? metricOf(model, "macro_f1") : undefined)),
        },
      ]}
    />
  );
}

function Verdicts({ line }: { line: string }) {
  const filters = useFilters();
  const verdicts = useAsk("GET /api/classify/verdicts", { query: { line, limit: 200 } }, { live: ["events"] });
  return (
    <Shown of={verdicts}>
      {({ verdicts }) => {
        const wanted = filters.get("verdict");
        const named = verdicts.find(({ id }) => id === wanted);
        const chosen = named ?? verdicts[0];
        if (chosen === undefined) return <Empty>No verdict yet. Each new model is compared with the champion.</Empty>;
        return (
          <>
            {wanted !== "" && named === undefined && (
              <Note kind="warn">
                The verdict {wanted} is not among the newest {verdicts.length} of this line. This is the newest:
              </Note>
            )}
            <section class="card">
              <VerdictView key={chosen.id} verdict={chosen} scheme={schemeOf(line)} />
            </section>
            <Table
              label="Verdicts of this line"
              rows={verdicts}
              idOf={({ id }) => id}
              columns={[
                {
                  id: "at",
                  title: "When",
                  cell: ({ id, at }) => (
                    <a
                      href={to(`/lines/${encodeURIComponent(line)}`, { tab: "verdicts", verdict: id })}
                      {...(id === chosen.id ? { "aria-current": "true" as const } : {})}
                    >
                      <When at={at} />
                    </a>
                  ),
                },
                { id: "decision", title: "Decision", cell: ({ decision }) => <State of={decision} /> },
                { id: "challenger", title: "Challenger", cell: ({ challenger }) => <code>{shortModel(challenger)}</code> },
                {
                  id: "champion",
                  title: "Champion",
                  cell: ({ champion }) => <code>{champion === undefined ? "–" : shortModel(champion)}</code>,
                },
                { id: "reason", title: "Why", cell: ({ reason }) => reason },
              ]}
            />
          </>
        );
      }}
    </Shown>
  );
}

const kinds = { gate: "by the comparison", approved: "approved by a person", set: "set by a person" } as const;

function Words({ champions: { champions, automatic } }: { champions: Champions }) {
  return (
    <>
      <section class="card">
        <h2>Champions</h2>
        <Table
          label="Every champion of this line, the newest first"
          rows={champions}
          idOf={({ since }) => since}
          columns={[
            { id: "since", title: "Since", cell: ({ since }) => <When at={since} /> },
            { id: "model", title: "Model", cell: ({ model }) => <code>{shortModel(model)}</code> },
            { id: "kind", title: "How", cell: ({ kind }) => kinds[kind] },
            { id: "by", title: "By", cell: ({ by }) => by },
            { id: "reason", title: "Reason", cell: ({ reason }) => reason },
          ]}
        />
      </section>
      <section class="card">
        <h2>Automatic decisions</h2>
        {automatic.length === 0 ? (
          <p class="dim">Nobody has ended or brought them back.</p>
        ) : (
          <Table
            label="Words on automatic decisions"
            rows={automatic}
            idOf={({ at }) => at}
            sortName="sort-words"
            columns={[
              { id: "at", title: "When", cell: ({ at }) => <When at={at} /> },
              { id: "what", title: "What", cell: ({ automatic }) => (automatic ? "decides by itself" : "on review") },
              { id: "by", title: "By", cell: ({ by }) => by },
              { id: "reason", title: "Reason", cell: ({ reason }) => reason },
            ]}
          />
        )}
      </section>
    </>
  );
}
