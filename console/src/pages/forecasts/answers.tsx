// Questions to a forecast (what-if, why, orders): following one until it is answered, and the tables of an answer.

import { client, type AnswerOf } from "../../data/client.ts";
import { useAnswer, useAsk } from "../../data/query.ts";
import { csvRows } from "./csv.ts";

export type Scenario = AnswerOf<"GET /api/forecast/scenarios">["scenarios"][number];
export type ScenarioOf<Kind extends Scenario["kind"]> = Extract<Scenario, { readonly kind: Kind }>;

/** Answers of one kind about a forecast, the newest first. */
export function useScenarios<Kind extends Scenario["kind"]>(run: string, kind: Kind) {
  const asked = useAsk("GET /api/forecast/scenarios", { query: { run, kind, limit: 100 } }, { live: ["events", "runs"] });
  const all = asked.value?.scenarios.filter((one): one is ScenarioOf<Kind> => one.kind === kind);
  return { ...asked, value: all };
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
