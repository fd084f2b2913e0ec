// Compare: answers to the same kind of question side by side, series by series.

import { StockroomError } from "../../../platform/errors.ts";
import { readTable } from "../../../platform/formats/index.ts";
import { getAnswer, type Answer } from "../../store/answers.ts";
import { actAs, type ForecastDeps } from "../deps.ts";
import { titleOfIds } from "./finished.ts";

/** Which table of an answer is compared: by the columns before `until`, in the column `value`. */
const compared = {
  whatif: { table: "comparison", until: "baseline", value: "scenario" },
  replenish: { table: "orders", until: "quantity", value: "quantity" },
  explain: { table: "attributes", until: "score", value: "score" },
} as const;

export interface SideBySide {
  readonly answers: readonly Answer[];
  /** What is compared: demand under the scenario, units ordered, scores. */
  readonly value: string;
  /** In the order of the first answer; `undefined` where an answer has no such series. */
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[];
}

/** Reads answers by id. Throws `missing` `FORECAST_SCENARIO_MISSING`, `input` `SCENARIO_KINDS` for answers to questions of several kinds. */
export async function compareAnswers(
  deps: Pick<ForecastDeps, "objects" | "database">,
  purpose: string,
  ids: readonly string[],
): Promise<SideBySide> {
  const answers: Answer[] = [];
  for (const id of ids) answers.push(await getAnswer(deps.database, id));
  const kinds = [...new Set(answers.map((answer) => answer.kind))];
  const [kind] = kinds;
  if (answers.length < 2 || kinds.length !== 1 || kind === undefined || kind === "monitor") {
    throw new StockroomError(
      "input",
      "SCENARIO_KINDS",
      `Expected two scenarios or more of one kind (what-if, explanation or orders) but received ${answers.map((answer) => `${answer.id} (${answer.kind})`).join(", ")}.`,
    );
  }
  const { table, until, value } = compared[kind];
  const rows = new Map<string, (number | undefined)[]>();
  for (const [place, answer] of answers.entries()) {
    const ref = answer.exports[table];
    if (ref === undefined) continue;
    const { body } = await deps.objects.get(actAs("plan", purpose), ref.key, { version: ref.version });
    const read = await readTable(body, { name: ref.key, onBadRow: () => undefined });
    const [ends, at] = [read.columns.lastIndexOf(until), read.columns.lastIndexOf(value)];
    for await (const batch of read.batches) {
      for (const row of batch.rows) {
        const name = titleOfIds(row.slice(0, ends));
        const values = rows.get(name) ?? answers.map(() => undefined);
        values[place] = Number(row[at]);
        rows.set(name, values);
      }
    }
  }
  return { answers, value, rows: [...rows].map(([name, values]) => ({ name, values })) };
}
