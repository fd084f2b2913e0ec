// The settings of all groups as text: checked as one types, each mistake at its line, saved only without one.

import { useEffect, useRef, useState } from "preact/hooks";
import type { AnswerOf } from "../../data/client.ts";
import { useAct } from "../../data/act.ts";
import { useMe } from "../../data/me.ts";
import { useAnswer, useAsk } from "../../data/query.ts";
import { client } from "../../data/client.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import type { Looked } from "./group.tsx";

type Checked = AnswerOf<"POST /api/forecast/defaults/check">;
const calmMs = 400;

export function SettingsText(_looked: Looked) {
  const stored = useAsk("GET /api/forecast/defaults");
  return <Shown of={stored}>{({ content }) => <Editor stored={content} />}</Shown>;
}

function useCalm(text: string): string {
  const [calm, setCalm] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(text), calmMs);
    return () => clearTimeout(timer);
  }, [text]);
  return calm;
}

/**
 * What is typed, over what it was begun from. Another text that is stored meanwhile, by another person or tab, takes the place of nothing that was
 * typed: `isOvertaken` says so, and the person chooses.
 */
function useDraft(stored: string) {
  const [{ text, base }, setDraft] = useState({ text: stored, base: stored });
  const isOvertaken = stored !== base && text !== base && text !== stored;
  useEffect(() => {
    if (stored !== base && !isOvertaken) setDraft({ text: stored, base: stored });
  }, [stored, base, isOvertaken]);
  return {
    text,
    isOvertaken,
    setText: (next: string) => setDraft({ text: next, base }),
    take: () => setDraft({ text: stored, base: stored }),
    stay: () => setDraft({ text, base: stored }),
  };
}

function Editor({ stored }: { stored: string }) {
  const { text, setText, isOvertaken, take, stay } = useDraft(stored);
  const box = useRef<HTMLTextAreaElement>(null);
  const me = useMe();
  const mayEdit = me.may("planner");
  const calm = useCalm(text);
  const checked = useAnswer(
    ["check defaults", calm],
    async (signal) => await client.call("POST /api/forecast/defaults/check", { body: { content: calm }, signal }),
    { keep: true },
  );
  const save = useAct("PUT /api/forecast/defaults", { done: "Saved. The next forecast of each group uses them." });
  const put = (content: string): void =>
    void save.run(
      { body: { content } },
      { undo: async () => await client.call("PUT /api/forecast/defaults", { body: { content: stored } }) },
    );
  const isSame = text === stored;
  const isChecked = calm === text && checked.value !== undefined && !checked.isAsking && !checked.isFormer;
  const goTo = (line: number): void => {
    const area = box.current;
    if (area === null) return;
    const lines = text.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    area.focus();
    area.setSelectionRange(at, at + (lines[line - 1]?.length ?? 0));
    area.scrollTop = Math.max(0, (line - 5) * Number.parseFloat(getComputedStyle(area).lineHeight));
  };
  return (
    <section class="card">
      <header>
        <h2>forecast-defaults.yaml</h2>
        <CopyAs
          said={{
            method: "PUT",
            path: "/api/forecast/defaults",
            body: { content: text },
            command: ["put", "forecast-defaults.yaml", "forecast-defaults.yaml"],
          }}
        />
      </header>
      <p class="dim">The settings of all groups, in the words of the AWS solution.</p>
      <div class="forecasts-text">
        <pre aria-hidden="true">
          {text
            .split("\n")
            .map((_, at) => at + 1)
            .join("\n")}
        </pre>
        <textarea
          ref={box}
          aria-label="Settings of all groups"
          spellcheck={false}
          wrap="off"
          rows={26}
          readOnly={!mayEdit}
          value={text}
          aria-invalid={checked.value?.good === false}
          onInput={(event) => setText(event.currentTarget.value)}
          onScroll={(event) => {
            const numbers = event.currentTarget.previousElementSibling;
            if (numbers !== null) numbers.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      {isOvertaken && (
        <Note kind="warn">
          <p>Other settings were stored since you began to type. Yours are not stored yet.</p>
          <div class="row">
            <Button small onPress={take}>
              Show what is stored
            </Button>
            <Button small onPress={stay}>
              Go on with mine, over them
            </Button>
          </div>
        </Note>
      )}
      {mayEdit && (
        <div class="row">
          <Button
            look="first"
            busy={save.isRunning}
            disabled={isSame || isOvertaken || !isChecked || !checked.value?.good}
            onPress={() => put(text)}
          >
            Save
          </Button>
          <Button disabled={isSame} onPress={() => setText(stored)}>
            Take the changes back
          </Button>
          <span class="dim">{isSame ? "As stored." : isChecked ? "" : "Checking ..."}</span>
        </div>
      )}
      <div aria-live="polite" class="stack">
        <Shown of={checked} lines={2}>
          {(answer) => <Findings of={answer} onLine={goTo} />}
        </Shown>
      </div>
    </section>
  );
}

function Findings({ of: { good, problems, remarks, groups }, onLine }: { of: Checked; onLine: (line: number) => void }) {
  return (
    <>
      {!good && (
        <Note kind="bad">
          <p>
            {problems.length === 1 ? "1 mistake; nothing is saved with it." : `${problems.length} mistakes; nothing is saved with them.`}
          </p>
          <Remarks of={problems} onLine={onLine} />
        </Note>
      )}
      {remarks.length > 0 && (
        <Note>
          <p>Honoured in another way than the words say:</p>
          <Remarks of={remarks} onLine={onLine} />
        </Note>
      )}
      {good && (
        <Table
          label="Groups as these settings have them"
          rows={groups}
          idOf={({ group }) => group}
          tight
          sortName="groups"
          columns={[
            { id: "group", title: "Group", cell: ({ group }) => group },
            { id: "domain", title: "Domain", cell: ({ domain }) => domain },
            { id: "frequency", title: "Frequency", cell: ({ frequency }) => frequency },
            { id: "horizon", title: "Horizon", number: true, cell: ({ horizon }) => String(horizon) },
            { id: "dimensions", title: "Dimensions", cell: ({ dimensions }) => dimensions.join(", ") || "–" },
            { id: "windows", title: "Backtest windows", number: true, cell: ({ windows }) => String(windows) },
            { id: "quantiles", title: "Quantiles", cell: ({ quantiles }) => quantiles.join(", ") },
          ]}
        />
      )}
    </>
  );
}

const Remarks = ({ of, onLine }: { of: Checked["problems"]; onLine: (line: number) => void }) => (
  <ul class="forecasts-notes">
    {of.map(({ path, line, column, message }) => (
      <li key={`${line} ${column} ${message}`}>
        <button type="button" class="button small" onClick={() => onLine(line)}>
          Line {line}
        </button>{" "}
        <code>{path}</code> {message}
      </li>
    ))}
  </ul>
);
