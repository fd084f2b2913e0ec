// Value: whose forecast was better, over all imports that were judged.

import { StockroomError } from "../../../platform/errors.ts";
import { readTable } from "../../../platform/formats/index.ts";
import { forecastValueAdded, type Cell, type ValueReport } from "../../engine/monitor/value-added.ts";
import { listAnswers, type AnswerOf } from "../../store/answers.ts";
import { actAs, type ForecastDeps } from "../deps.ts";

export interface ValueAddedReport {
  /** Newest first; of each forecast the last judgement, which holds those before it. */
  readonly judged: readonly AnswerOf<"monitor">[];
  /** Over the adjusted cells of all of them. */
  readonly adjusted: ValueReport;
}

/** Reads what was judged of a group, or of all. */
export async function readValueAdded(
  deps: Pick<ForecastDeps, "objects" | "database">,
  purpose: string,
  group: string | undefined,
): Promise<ValueAddedReport> {
  const answers = await listAnswers(deps.database, { kinds: ["monitor"], ...(group === undefined ? {} : { group }), limit: 10_000 });
  const runs = new Set<string>();
  const judged = answers.filter(({ run }) => !runs.has(run) && runs.add(run));
  const cells: Cell[] = [];
  for (const answer of judged) cells.push(...(await readCells(deps, purpose, answer, group === undefined)));
  return { judged, adjusted: forecastValueAdded(cells) };
}

async function readCells(
  deps: Pick<ForecastDeps, "objects">,
  purpose: string,
  answer: AnswerOf<"monitor">,
  namesGroup: boolean,
): Promise<readonly Cell[]> {
  const ref = answer.exports["adjusted-cells"];
  if (ref === undefined) return [];
  const { body } = await deps.objects.get(actAs("plan", purpose), ref.key, { version: ref.version });
  const broken = (): never => {
    throw new StockroomError(
      "fault",
      "FORECAST_EXPORT_BROKEN",
      `Expected ${ref.key} to be what a judgement wrote but it is not. Report this.`,
    );
  };
  const table = await readTable(body, { name: ref.key, onBadRow: broken });
  const at = (name: string): number => (table.columns.includes(name) ? table.columns.lastIndexOf(name) : broken());
  const time = at("timestamp");
  const cells: Cell[] = [];
  for await (const { rows } of table.batches) {
    for (const row of rows) {
      const numberOf = (name: string): number => Number(row[at(name)] ?? "");
      cells.push({
        item: [...(namesGroup ? [answer.group] : []), ...row.slice(0, time)].join(" · "),
        actual: numberOf("actual"),
        naive: numberOf("seasonal_naive"),
        system: numberOf("system"),
        adjustment: { value: numberOf("adjusted"), author: row[at("author")] ?? "", reason: row[at("reason")] ?? "" },
      });
    }
  }
  return cells;
}
