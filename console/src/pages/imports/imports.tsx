// ERP imports: what was brought into an ERP, what it refused and why, and rows of which nobody knows whether it has them.

import type { AnswerOf } from "../../data/client.ts";
import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { useAsk, usePages } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { amount, Facts, RunLink, State, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";
import { useState } from "preact/hooks";

type Import = AnswerOf<"GET /api/forecast/imports">["imports"][number];
type Detail = AnswerOf<"GET /api/forecast/imports/:id">;

const states = ["running", "unsure", "partly", "done", "superseded"] as const;

export function Imports() {
  const filters = useFilters();
  const id = filters.get("id");
  return id === "" ? <ImportList /> : <OneImport id={id} />;
}

function ImportList() {
  const filters = useFilters();
  const state = states.find((one) => one === filters.get("state"));
  const imports = usePages(
    "GET /api/forecast/imports",
    { query: { limit: 100, ...(state === undefined ? {} : { state }) } },
    { live: ["runs", "events"] },
  );
  return (
    <Page
      title="ERP imports"
      about="What was brought into SAP, the newest first."
      acts={<CopyAs said={{ method: "GET", path: "/api/forecast/imports", command: ["forecast", "imports", "list"] }} />}
    >
      <div class="filters">
        <SelectField
          title="State"
          value={state ?? ""}
          onValue={(state) => filters.set({ state })}
          choices={[{ value: "", name: "every state" }, ...states]}
        />
      </div>
      <Shown of={imports}>
        {(pages) => {
          const rows = pages.flatMap((page) => page.imports);
          return rows.length === 0 ? (
            <Empty>
              <p>{state === undefined ? "Nothing was brought into SAP yet." : "No import is like that."}</p>
              {state === undefined && <code>stockroom forecast export-sap GROUP --to TARGET</code>}
            </Empty>
          ) : (
            <ImportTable rows={rows} />
          );
        }}
      </Shown>
      <More of={imports} />
    </Page>
  );
}

const ImportTable = ({ rows }: { rows: readonly Import[] }) => (
  <Table
    label="Imports"
    rows={rows}
    idOf={({ id }) => id}
    columns={[
      { id: "group", title: "Group", by: ({ group }) => group, cell: ({ id, group }) => <a href={to("/imports", { id })}>{group}</a> },
      { id: "target", title: "Into", by: ({ target }) => target, cell: ({ target }) => target },
      { id: "state", title: "State", by: ({ state }) => state, cell: ({ state }) => <State of={state} /> },
      { id: "rows", title: "Rows", number: true, by: ({ rows }) => rows, cell: ({ rows }) => amount(rows) },
      {
        id: "sent",
        title: "Taken",
        number: true,
        by: ({ sent, failed }) => sent - failed,
        cell: ({ sent, failed }) => amount(sent - failed),
      },
      { id: "failed", title: "Refused", number: true, by: ({ failed }) => failed, cell: ({ failed }) => <Count of={failed} /> },
      { id: "unsure", title: "Unsure", number: true, by: ({ unsure }) => unsure, cell: ({ unsure }) => <Count of={unsure} /> },
      { id: "at", title: "Begun", by: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
    ]}
  />
);

const Count = ({ of }: { of: number }) => <span class={of > 0 ? "bad" : "dim"}>{amount(of)}</span>;

function OneImport({ id }: { id: string }) {
  const filters = useFilters();
  const answers = filters.get("answers") === "all" ? "all" : "failed";
  const one = useAsk("GET /api/forecast/imports/:id", { params: { id }, query: { answers, limit: 500 } }, { live: ["runs", "events"] });
  const me = useMe();
  const resume = useAct("POST /api/forecast/imports/:id/resume", { done: "The refused rows are sent again" });
  return (
    <Page
      title="ERP import"
      about={<code>{id}</code>}
      acts={
        <>
          <a class="button" href={to("/imports")}>
            All imports
          </a>
          <CopyAs
            said={{
              method: "POST",
              path: `/api/forecast/imports/${encodeURIComponent(id)}/resume`,
              command: ["forecast", "imports", "resume", id],
            }}
            small={false}
          />
          {me.may("operator") && one.value?.import.state === "partly" && (
            <Button look="first" busy={resume.isRunning} onPress={() => void resume.run({ params: { id } })}>
              Send the refused rows again
            </Button>
          )}
        </>
      }
    >
      <Shown of={one}>
        {(detail) => (
          <>
            <Facts
              of={[
                ["State", <State of={detail.import.state} />],
                ["Group", <a href={to(`/forecasts/${encodeURIComponent(detail.import.group)}`)}>{detail.import.group}</a>],
                ["Into", detail.import.target],
                ["From", `${detail.import.sourceKey} (${detail.import.sourceVersion})`],
                ["Rows", `${amount(detail.import.rows)}, answered ${amount(detail.import.sent)}, refused ${amount(detail.import.failed)}`],
                ["Begun", <When at={detail.import.startedAt} />],
                ["Ended", detail.import.endedAt === undefined ? "" : <When at={detail.import.endedAt} />],
                ["Run", detail.import.runId === undefined ? "" : <RunLink id={detail.import.runId} />],
              ]}
            />
            {detail.unsure.length > 0 && <Unsure id={id} of={detail.unsure} />}
            <Answers of={detail} answers={answers} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Unsure({ id, of }: { id: string; of: Detail["unsure"] }) {
  const me = useMe();
  const [asked, setAsked] = useState<{ readonly batch: number; readonly rows: number; readonly as: "taken" | "lost" }>();
  const settle = useAct("POST /api/forecast/imports/:id/settle", {
    done: ({ as, goesOn }) => `Kept as ${as}${goesOn ? "; the import goes on" : "; other batches are still unsure"}`,
  });
  return (
    <section class="card">
      <h2>Nobody knows whether the ERP has these rows</h2>
      <Note kind="warn">
        Its answer was lost. Look in the ERP for one of the rows, then say what you found. Sent twice they may count twice.
      </Note>
      <Table
        label="Batches that are unsure"
        rows={of}
        idOf={({ round, batch }) => `${round}-${batch}`}
        columns={[
          { id: "batch", title: "Batch", cell: ({ batch }) => String(batch) },
          { id: "rows", title: "Rows", number: true, cell: ({ rows }) => amount(rows) },
          { id: "reason", title: "Why", cell: ({ reason }) => reason },
          ...(me.may("operator")
            ? [
                {
                  id: "act",
                  title: "What you found",
                  cell: ({ batch, rows }: Detail["unsure"][number]) => (
                    <div class="row">
                      <Button small onPress={() => setAsked({ batch, rows, as: "taken" })}>
                        The ERP has them
                      </Button>
                      <Button small onPress={() => setAsked({ batch, rows, as: "lost" })}>
                        It does not
                      </Button>
                    </div>
                  ),
                },
              ]
            : []),
        ]}
      />
      {asked !== undefined && (
        <Confirm
          title={
            asked.as === "taken"
              ? `The ERP has the ${asked.rows} rows of batch ${asked.batch}`
              : `The ERP does not have the ${asked.rows} rows of batch ${asked.batch}`
          }
          act={asked.as === "taken" ? "Keep as taken" : "Keep as lost, send again"}
          danger={asked.as === "lost"}
          busy={settle.isRunning}
          said={() => ({
            method: "POST",
            path: `/api/forecast/imports/${encodeURIComponent(id)}/settle`,
            body: { batch: asked.batch, as: asked.as },
            command: ["forecast", "imports", "settle", id, "--batch", String(asked.batch), "--as", asked.as],
          })}
          onClose={() => setAsked(undefined)}
          onDo={() =>
            void settle
              .run({ params: { id }, body: { batch: asked.batch, as: asked.as } })
              .then((answer) => answer !== undefined && setAsked(undefined))
          }
        >
          <p>
            {asked.as === "taken"
              ? "They are not sent again."
              : "They are sent again. If the ERP had them after all, they are there twice."}
          </p>
        </Confirm>
      )}
    </section>
  );
}

function Answers({ of, answers }: { of: Detail; answers: "failed" | "all" }) {
  const filters = useFilters();
  return (
    <section class="card">
      <header>
        <h2>{answers === "all" ? "The ERP's answers" : "Refused rows"}</h2>
        <SelectField
          title="Shown"
          value={answers}
          onValue={(value) => filters.set({ answers: value === "all" ? "all" : "" })}
          choices={[
            { value: "failed", name: "refused rows" },
            { value: "all", name: "every row" },
          ]}
        />
      </header>
      {of.answers.length === 0 ? (
        <Empty>{answers === "all" ? "There is no answer yet." : "No row was refused."}</Empty>
      ) : (
        <Table
          label="Answers"
          rows={of.answers}
          idOf={({ round, batch, seq }) => `${round}-${batch}-${seq}`}
          tight
          columns={[
            { id: "row", title: "Row", number: true, by: ({ seq }) => seq, cell: ({ seq }) => String(seq + 1) },
            { id: "round", title: "Round", number: true, cell: ({ round }) => String(round) },
            {
              id: "taken",
              title: "Answer",
              by: ({ taken }) => (taken ? 1 : 0),
              cell: ({ taken }) => (taken ? "taken" : <span class="bad">refused</span>),
            },
            {
              id: "messages",
              title: "What the ERP said",
              cell: ({ messages }) =>
                messages.map(({ id, text }) => (
                  <div key={`${id} ${text}`}>
                    {text} <span class="dim mono">{id}</span>
                  </div>
                )),
            },
          ]}
        />
      )}
      {of.more && (
        <p class="dim">
          There are more. The command shows all: <code>stockroom forecast imports show {of.import.id}</code>
        </p>
      )}
    </section>
  );
}
