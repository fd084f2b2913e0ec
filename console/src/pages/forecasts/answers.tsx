// Questions to a forecast (what-if, why, orders): following one until it is answered, choosing among answers, and the tables of one.

import type { ComponentChildren } from "preact";
import { client, type AnswerOf } from "../../data/client.ts";
import { useAnswer, useAsk, type Asked } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { SelectField } from "../../parts/fields.tsx";
import { Empty, Shown } from "../../parts/states.tsx";
import { csvRows } from "./csv.ts";

export type Scenario = AnswerOf<"GET /api/forecast/scenarios">["scenarios"][number];
export type ScenarioOf<Kind extends Scenario["kind"]> = Extract<Scenario, { readonly kind: Kind }>;

const mostAnswers = 100;

/** Answers of one kind about a forecast, the newest first. */
export function useScenarios<Kind extends Scenario["kind"]>(run: string, kind: Kind) {
  const asked = useAsk("GET /api/forecast/scenarios", { query: { run, kind, limit: mostAnswers } }, { live: ["events", "runs"] });
  const all = asked.value?.scenarios.filter((one): one is ScenarioOf<Kind> => one.kind === kind);
  return { ...asked, value: all };
}

export interface ChosenProps<Of> {
  readonly of: Asked<readonly Of[]>;
  /** Where in the URL the chosen one stands. */
  readonly name: string;
  readonly title: string;
  readonly titleOf: (answer: Of) => string;
  /** Said where nothing was asked yet. */
  readonly none: string;
  readonly children: (answer: Of) => ComponentChildren;
}

/** The answer that the URL names, else the newest; awaited while it is on its way. */
export function Chosen<Of extends { readonly id: string }>({ of, name, title, titleOf, none, children }: ChosenProps<Of>) {
  const filters = useFilters();
  const wanted = filters.get(name);
  return (
    <Shown of={of} lines={4}>
      {(all) => {
        if (all.length === 0 && wanted === "") return <Empty>{none}</Empty>;
        const shown = wanted === "" ? all[0] : all.find(({ id }) => id === wanted);
        return (
          <>
            <SelectField
              title={title}
              value={shown?.id ?? ""}
              onValue={(id) => filters.set({ [name]: id })}
              choices={[
                ...(shown === undefined ? [{ value: "", name: "on the way ..." }] : []),
                ...all.map((one) => ({ value: one.id, name: titleOf(one) })),
              ]}
            />
            {shown === undefined ? (
              <p role="status" class="dim">
                The answer is on the way{all.length < mostAnswers ? "" : `, or older than the ${mostAnswers} newest`} ...
              </p>
            ) : (
              children(shown)
            )}
          </>
        );
      }}
    </Shown>
  );
}

/** A table of an answer. Large ones are read to their first rows; `more` says that there are others. */
export function useTable(id: string, name: string, mostRows = 2_000) {
  return useAnswer(
    ["table", id, name],
    async (signal) => {
      const answer = await client.call("GET /api/forecast/scenarios/:id/exports/*", { params: { id, "*": name }, signal });
      const rows = csvRows(await answer.text());
      return { rows: rows.slice(0, mostRows), more: Math.max(0, rows.length - mostRows) };
    },
    { when: id !== "" },
  );
}

/** Columns before one of the answer's own: item and dimensions. */
export const namesBefore = (row: Readonly<Record<string, string>> | undefined, column: string): readonly string[] => {
  const columns = Object.keys(row ?? {});
  return columns.slice(0, Math.max(0, columns.indexOf(column)));
};

export const downloadOf = (id: string, name: string): string =>
  `/api/forecast/scenarios/${encodeURIComponent(id)}/exports/${encodeURIComponent(name)}`;
