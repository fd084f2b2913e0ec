// What is to become of the chosen cells: kind, value, reason; the preview of quantiles and orders; kept as adjustments, to be undone together.

import { useEffect, useState } from "preact/hooks";
import { client, sayError, type AnswerOf } from "../../data/client.ts";
import { forget, useAnswer } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { tell } from "../../frame/toasts.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { amount, counted, percent } from "../../parts/show.tsx";
import { Note, Shown } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { useAuthor } from "./author.tsx";
import { ordered, wordsOf, type Kind, type Selection, type Word } from "./cells.ts";

type Cells = AnswerOf<"GET /api/forecast/runs/:id/cells">;
type Preview = AnswerOf<"POST /api/forecast/adjustments/preview">;

const kinds: readonly { readonly value: Kind; readonly name: string }[] = [
  { value: "set", name: "set to" },
  { value: "add", name: "add" },
  { value: "percent", name: "change by percent" },
];

const calmMs = 350;

export function Adjuster({ group, cells, selection, onDone }: { group: string; cells: Cells; selection: Selection; onDone: () => void }) {
  const filters = useFilters();
  const [reason, setReason] = useState("");
  const [isSaving, setSaving] = useState(false);
  const { author, isMissing, field } = useAuthor();
  const kind = kinds.find(({ value }) => value === filters.get("kind"))?.value ?? "percent";
  const text = filters.get("value");
  const value = text.trim() === "" ? Number.NaN : Number(text.replace(",", "."));
  const { fromRow, toRow, fromStep, toStep } = ordered(selection);
  const isGood = Number.isFinite(value) && !(kind === "set" && value < 0) && !(kind === "percent" && value < -100);
  const words = isGood ? wordsOf(cells, selection, { kind, value }) : [];
  const save = async (): Promise<void> => {
    setSaving(true);
    const kept = await keep(group, words, { ...author, reason: reason.trim() });
    setSaving(false);
    if (kept) onDone();
  };
  return (
    <section class="forecasts-adjuster stack" aria-label="Change the chosen cells">
      <h3>
        {counted(toRow - fromRow + 1, "series", "series")}, {counted(toStep - fromStep + 1, "step")}: {cells.instants[fromStep]}
        {toStep > fromStep ? ` to ${cells.instants[toStep] ?? ""}` : ""}
      </h3>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SelectField title="What" value={kind} onValue={(kind) => filters.set({ kind })} choices={kinds} />
        <FilterField
          title={kind === "percent" ? "Percent" : "Units"}
          name="value"
          problem={
            text !== "" && !isGood
              ? kind === "percent"
                ? "A number of -100 or more"
                : kind === "set"
                  ? "A number of 0 or more"
                  : "A number"
              : undefined
          }
        />
        <TextField title="Reason" value={reason} onValue={setReason} required />
        {field}
        <Button type="submit" look="first" busy={isSaving} disabled={words.length === 0 || reason.trim() === "" || isMissing}>
          Keep
        </Button>
        <Button onPress={onDone}>Choose nothing</Button>
        {words[0] !== undefined && (
          <CopyAs
            said={{
              method: "POST",
              path: "/api/forecast/adjustments",
              body: { group, ...words[0], ...author, reason },
              command: commandOf(group, words[0], reason),
            }}
          />
        )}
      </form>
      {words.length > 0 && <PreviewBox group={group} words={words} />}
    </section>
  );
}

const commandOf = (group: string, { kind, value, where = "", from, to }: Word, reason: string): readonly string[] => [
  "forecast",
  "adjust",
  group,
  `--${kind}=${value}`,
  "--where",
  where,
  "--from",
  from,
  ...(to === undefined ? [] : ["--to", to]),
  "--reason",
  reason,
];

/** Keeps all words, one after the other, and offers to take them back together. What was kept before a refusal is told and can be taken back too. */
async function keep(
  group: string,
  words: readonly Word[],
  who: { readonly author: string | undefined; readonly reason: string },
): Promise<boolean> {
  const ids: string[] = [];
  const undo = async (): Promise<void> => {
    for (const id of ids.toReversed()) {
      await client.call("POST /api/forecast/adjustments/:id/withdraw", { params: { id }, body: { author: who.author } });
    }
    forget();
  };
  try {
    for (const word of words) {
      const { adjustment } = await client.call("POST /api/forecast/adjustments", { body: { group, ...word, ...who } });
      ids.push(adjustment.id);
    }
    tell({
      kind: "good",
      text: `${counted(ids.length, "adjustment")} kept; the forecast is exported with ${ids.length === 1 ? "it" : "them"}.`,
      undo,
    });
    return true;
  } catch (error) {
    const { code, message } = sayError(error);
    tell({
      kind: "bad",
      text: `${message}${ids.length > 0 ? ` ${ids.length} of ${words.length} were kept before that.` : ""}`,
      code,
      ...(ids.length > 0 ? { undo } : {}),
    });
    return false;
  } finally {
    forget();
  }
}

function PreviewBox({ group, words }: { group: string; words: readonly Word[] }) {
  const [calm, setCalm] = useState(words);
  const key = JSON.stringify(words);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(words), calmMs);
    return () => clearTimeout(timer);
  }, [key]);
  const preview = useAnswer(
    ["preview", group, calm, { live: ["events"] }],
    async (signal) => await client.call("POST /api/forecast/adjustments/preview", { body: { group, words: [...calm], limit: 40 }, signal }),
    { keep: true },
  );
  const isOld = preview.isAsking || JSON.stringify(calm) !== key;
  return (
    <div class="stack" aria-live="polite" aria-busy={isOld}>
      <Shown of={preview} lines={3}>
        {(answer) => <PreviewTables of={answer} />}
      </Shown>
    </div>
  );
}

function PreviewTables({ of: { levels, series, cells, more, sum, orders, warnings } }: { of: Preview }) {
  const [low, high] = [0, levels.length - 1];
  const label = (at: number): string => `${Number((100 * (levels[at] ?? 0)).toFixed(2))} %`;
  const change = sum.before === 0 ? "" : ` (${percent(sum.after / sum.before - 1, { signed: true })})`;
  const changed = orders?.filter(({ before, after }) => before !== after);
  return (
    <>
      <p>
        <b>Preview, nothing is kept yet.</b> {counted(series, "series", "series")}: {amount(sum.before)} becomes {amount(sum.after)}
        {change}.
      </p>
      {warnings.map((warning) => (
        <Note key={warning} kind="warn">
          {warning}
        </Note>
      ))}
      {cells.length > 0 && (
        <Table
          label="Preview of the cells"
          rows={cells}
          idOf={({ ids, at }) => `${ids.join(" ")} ${at}`}
          tight
          sortName="preview"
          columns={[
            { id: "series", title: "Series", cell: ({ ids }) => ids.join(" · ") },
            { id: "at", title: "Step", cell: ({ at }) => at },
            { id: "mean", title: "Mean", number: true, cell: ({ before, after }) => <Change from={before.mean} to={after.mean} /> },
            ...(levels.length === 0
              ? []
              : [low, ...(high > low ? [high] : [])].map((at) => ({
                  id: `q${at}`,
                  title: label(at),
                  number: true,
                  cell: ({ before, after }: Preview["cells"][number]) => (
                    <Change from={before.quantiles[at] ?? 0} to={after.quantiles[at] ?? 0} />
                  ),
                }))),
          ]}
        />
      )}
      {more > 0 && <p class="dim">And {counted(more, "further cell")}.</p>}
      {orders === null ? (
        <p class="dim">Orders: there is no table of stock for this group.</p>
      ) : (
        <>
          <h3>Orders</h3>
          {changed?.length === 0 && (
            <p class="dim">No order would change{orders.length === 0 ? ": these series have no row of stock" : ""}.</p>
          )}
          {changed !== undefined && changed.length > 0 && (
            <Table
              label="Preview of the orders"
              rows={changed.slice(0, 40)}
              idOf={({ ids }) => ids.join(" ")}
              tight
              sortName="orders"
              columns={[
                { id: "series", title: "Series", cell: ({ ids }) => ids.join(" · ") },
                { id: "order", title: "Order", number: true, cell: ({ before, after }) => <Change from={before} to={after} /> },
                { id: "why", title: "Why", cell: ({ reasons }) => <span class="dim">{reasons.join(" ")}</span> },
              ]}
            />
          )}
        </>
      )}
    </>
  );
}

const Change = ({ from, to }: { from: number; to: number }) => (
  <>
    <span class="dim">{amount(from)}</span> → <b>{amount(to)}</b>
  </>
);
