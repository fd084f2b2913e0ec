// Dead letters: what could not be done and waits for a person, in groups of the same code and file; of one what is wrong, and how it is mended.

import { useState } from "preact/hooks";
import { useMe } from "../../data/me.ts";
import { useAsk, usePages } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { SavedViews } from "../../parts/saved-views.tsx";
import { counted, State, When } from "../../parts/show.tsx";
import { Empty, Note, Shown } from "../../parts/states.tsx";
import { More, Table } from "../../parts/table.tsx";
import { ActOnLetters, type LetterAct } from "./acts.tsx";
import { groupLetters, type LetterGroup } from "./groups.ts";
import { OneLetter, type Letter } from "./letter.tsx";
import "./dead.css";

const states = ["waiting", "redriven", "dropped"] as const;

export function Dead() {
  const filters = useFilters();
  const state = states.find((one) => one === filters.get("state")) ?? (filters.get("state") === "all" ? undefined : "waiting");
  const dead = usePages("GET /api/dead", { query: state === undefined ? {} : { state } }, { live: ["runs", "events"] });
  const id = filters.get("id");
  const run = filters.get("run");
  const ofRun = useAsk("GET /api/dead", { query: { run, limit: 1 } }, { live: ["runs", "events"], when: id === "" && run !== "" });
  const rows = (dead.value ?? []).flatMap((page) => page.letters);
  const shown = id !== "" ? id : run === "" ? undefined : ofRun.value?.letters[0]?.id;
  return (
    <Page
      title="Dead letters"
      about="What could not be done and waits for a person: mended and done again, or dropped."
      acts={
        <CopyAs
          said={{ method: "GET", path: `/api/dead${state === undefined ? "" : `?state=${state}`}`, command: ["dead", "list"] }}
          small={false}
        />
      }
    >
      <SavedViews />
      <div class="filters">
        <SelectField
          title="State"
          value={state ?? "all"}
          onValue={(state) => filters.set({ state: state === "waiting" ? "" : state, id: "", run: "" })}
          choices={[...states, { value: "all", name: "every state" }]}
        />
      </div>
      {id === "" && run !== "" && (
        <Shown of={ofRun}>{({ letters }) => letters.length === 0 && <Note>The run {run} has no dead letter.</Note>}</Shown>
      )}
      {shown !== undefined && <OneLetter key={shown} id={shown} />}
      <Shown of={dead}>{() => <Groups rows={rows} chosenId={shown} hasMore={dead.hasMore} />}</Shown>
      <More of={dead} />
    </Page>
  );
}

interface GroupsProps {
  readonly rows: readonly Letter[];
  readonly chosenId: string | undefined;
  /** There are older letters, which are in no group yet. */
  readonly hasMore: boolean;
}

function Groups({ rows, chosenId, hasMore }: GroupsProps) {
  const me = useMe();
  const filters = useFilters();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [act, setAct] = useState<LetterAct | undefined>(undefined);
  if (rows.length === 0)
    return <Empty>{filters.get("state") === "" ? "Nothing waits: every run came to its end." : "No dead letter is like that."}</Empty>;
  const waiting = rows.filter(({ state }) => state === "waiting").map(({ id }) => id);
  const ids = waiting.filter((id) => chosen.has(id));
  const toggle = (group: LetterGroup<Letter>, next: ReadonlySet<string>): void =>
    setChosen(new Set([...[...chosen].filter((id) => !group.letters.some((letter) => letter.id === id)), ...next]));
  const canAct = me.may("operator") && waiting.length > 0;
  return (
    <>
      {canAct && (
        <div class="row">
          <span class="dim">{ids.length === 0 ? "Choose letters to act on them" : `${ids.length} chosen`}</span>
          <Button small disabled={ids.length === waiting.length} onPress={() => setChosen(new Set(waiting))}>
            Choose all {waiting.length}
            {hasMore && " shown"}
          </Button>
          <Button small disabled={ids.length === 0} onPress={() => setAct("redrive")}>
            Redrive chosen
          </Button>
          <Button small look="danger" disabled={ids.length === 0} onPress={() => setAct("drop")}>
            Drop chosen
          </Button>
        </div>
      )}
      {hasMore && <p class="dim">Groups and counts are of the {rows.length} newest letters; "Show more" brings the older ones.</p>}
      {groupLetters(rows).map((group) => (
        <section class="card" key={group.id}>
          <header>
            <div class="grow">
              <h2 class="wrap">{group.about}</h2>
              <span class="mono dim">{group.code}</span> · {counted(group.letters.length, "letter")}
            </div>
          </header>
          <p class="wrap dead-message">{group.message}</p>
          <Table
            label={`Dead letters of ${group.about}, ${group.code}`}
            rows={group.letters}
            idOf={({ id }) => id}
            {...(canAct ? { chosen, onChosen: (next: ReadonlySet<string>) => toggle(group, next) } : {})}
            columns={[
              {
                id: "title",
                title: "What",
                cell: ({ id, title }) => (
                  <a
                    href={to("/dead", { id, state: filters.get("state") })}
                    {...(id === chosenId ? { "aria-current": "true" as const } : {})}
                  >
                    {title}
                  </a>
                ),
              },
              { id: "state", title: "State", cell: ({ state }) => <State of={state} /> },
              { id: "tries", title: "Tries", number: true, cell: ({ tries }) => String(tries) },
              { id: "at", title: "Since", cell: ({ at }) => <When at={at} /> },
            ]}
          />
        </section>
      ))}
      {act !== undefined && <ActOnLetters act={act} ids={ids} onDone={() => setChosen(new Set())} onClose={() => setAct(undefined)} />}
    </>
  );
}
