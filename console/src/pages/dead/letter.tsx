// One dead letter: what it was about, what is wrong with the file, how it differs from the one before; mended in its place.

import { useState } from "preact/hooks";
import { useAct } from "../../data/act.ts";
import type { AnswerOf } from "../../data/client.ts";
import { useMe } from "../../data/me.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Facts, RunLink, State, When } from "../../parts/show.tsx";
import { Note, Shown } from "../../parts/states.tsx";
import { fileOf, linksIn } from "../runs/lineage.ts";
import { ActOnLetters, type LetterAct } from "./acts.tsx";
import { Difference } from "./compare.tsx";
import { Rejected } from "./rejected.tsx";

export type Letter = AnswerOf<"GET /api/dead">["letters"][number];

export function OneLetter({ id }: { id: string }) {
  const filters = useFilters();
  const letter = useAsk("GET /api/dead/:id", { params: { id } }, { live: ["runs", "events"] });
  return (
    <section class="card" aria-label="The chosen dead letter">
      <Shown of={letter}>{(letter) => <Told letter={letter} onClose={() => filters.set({ id: "", run: "" })} />}</Shown>
    </section>
  );
}

const factTitles: Readonly<Record<string, string>> = {
  line: "Line",
  column: "Column",
  value: "Value",
  row: "Row",
  file: "File",
  key: "Key",
  rows: "Rows",
};

function Told({ letter, onClose }: { letter: Letter; onClose: () => void }) {
  const me = useMe();
  const [act, setAct] = useState<LetterAct | undefined>(undefined);
  const { id, runId, workflow, title, error, tries, crashes, at, state } = letter;
  const run = useAsk("GET /api/runs/:id", { params: { id: runId } }, { live: ["runs"] });
  const file = useFile(letter, run.value?.input);
  const canAct = me.may("operator") && state === "waiting";
  const facts = Object.entries(error.facts).filter(([, value]) => value !== undefined && value !== null);
  return (
    <>
      <header>
        <h2 class="wrap">{title}</h2>
        <div class="row">
          {canAct && (
            <>
              <Button look="first" small onPress={() => setAct("redrive")}>
                Redrive
              </Button>
              <Button look="danger" small onPress={() => setAct("drop")}>
                Drop
              </Button>
            </>
          )}
          <CopyAs said={{ method: "GET", path: `/api/dead/${id}`, command: ["dead", "show", id] }} />
          <Button small look="plain" label="Close this letter" onPress={onClose}>
            ×
          </Button>
        </div>
      </header>
      <Note kind="bad">
        <p class="wrap">{error.message}</p>
        <span class="dim mono">{error.code}</span>
      </Note>
      <Facts
        of={[
          ["State", <State of={state} />],
          ["Run", <RunLink id={runId}>{workflow}</RunLink>],
          ["Tries", crashes === 0 ? String(tries) : `${tries}, of which ${crashes} ended with their process`],
          ["Since", <When at={at} />],
          ["File", file === undefined ? "" : <a href={to("/objects", { key: file.name, version: file.version })}>{file.name}</a>],
          ...facts.map(([name, value]) => [factTitles[name] ?? name, <span class="wrap">{String(value)}</span>] as const),
        ]}
      />
      {run.value !== undefined && <Rejected input={run.value.input} facts={error.facts} />}
      {file !== undefined && me.may("operator") && <Difference file={file.name} version={file.version} />}
      {file !== undefined && canAct && <Repair letter={letter} file={file.name} />}
      {act !== undefined && <ActOnLetters act={act} ids={[id]} onDone={() => undefined} onClose={() => setAct(undefined)} />}
    </>
  );
}

interface LetterFile {
  readonly name: string;
  /** The one that the run was started for; absent: it reads the newest. */
  readonly version?: string;
}

/** The file that a letter is about: the one its run was started for, else the one of its forecast group. */
function useFile({ error }: Letter, input: unknown): LetterFile | undefined {
  const own = fileOf(input);
  const group = own === undefined ? linksIn(input).find(({ kind }) => kind === "group")?.name : undefined;
  const ofGroup = useAsk("GET /objects", { query: { prefix: `forecast/train/${group ?? ""}.`, limit: 20 } }, { when: group !== undefined });
  if (own !== undefined) return own;
  if (group === undefined) return undefined;
  const keys = (ofGroup.value?.objects ?? []).map(({ key }) => key);
  const named = keys.find((key) => error.message.includes(key.slice(key.lastIndexOf("/") + 1)));
  const target = keys.find((key) => !/\.(?:related|metadata|events)\./.test(key));
  const name = named ?? target;
  return name === undefined ? undefined : { name };
}

/** The repaired file in the place of the broken one. What waits for the file starts anew by itself; the letter is then settled. */
function Repair({ letter: { id, workflow }, file }: { letter: Letter; file: string }) {
  const put = useAct("PUT /objects/*", { done: `The repaired file lies at ${file}.` });
  const drop = useAct("POST /api/dead/:id/drop", { done: "The letter is dropped: the repaired file has a run of its own." });
  const redrive = useAct("POST /api/dead/:id/redrive", { done: "It is done again." });
  const [stored, setStored] = useState<string | undefined>(undefined);
  const repair = async (chosen: File): Promise<void> => {
    const answer = await put.run({
      params: { "*": file },
      body: chosen,
      contentType: chosen.type === "" ? "application/octet-stream" : chosen.type,
    });
    setStored(answer?.version);
  };
  const reason = `repaired: ${file} version ${stored ?? ""}`;
  return (
    <section class="stack" aria-label="Repair the file">
      <h3>Repair the file</h3>
      <p class="dim">
        The repaired file is put at <code>{file}</code>, as its newest version; what waits for it starts by itself.
      </p>
      <label class="field">
        <span>Repaired file</span>
        <input
          type="file"
          disabled={put.isRunning}
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (chosen !== undefined) void repair(chosen);
          }}
        />
      </label>
      {stored !== undefined && (
        <Note kind="good">
          <p>
            Stored as version <code>{stored}</code>: <a href={to("/upload", { key: file, version: stored })}>see what it started</a>. This
            run keeps the file it was started for, so its letter is dropped once the new one went well. Redrive it where the fault was
            another one.
          </p>
          <div class="row">
            <Button small look="first" busy={drop.isRunning} onPress={() => void drop.run({ params: { id }, body: { reason } })}>
              Drop: it is repaired
            </Button>
            <Button small busy={redrive.isRunning} onPress={() => void redrive.run({ params: { id }, body: { reason } })}>
              Redrive all the same
            </Button>
            <a href={to("/runs", { workflow })}>Runs of {workflow}</a>
          </div>
        </Note>
      )}
    </section>
  );
}
