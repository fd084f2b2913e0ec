// Standing out: the series of a judgement that are not as forecast.

import { readTable } from "../../../platform/formats/index.ts";
import type { Actor } from "../../../platform/vault/contract.ts";
import type { AnswerOf } from "../../store/answers.ts";
import type { ForecastDeps } from "../deps.ts";

export interface StandingOut {
  readonly series: string;
  readonly verdict: string;
  readonly reason: string;
}

/** Reads a judgement's series that are not as forecast, alarms first. */
export async function readStandingOut(
  deps: Pick<ForecastDeps, "objects">,
  actor: Actor,
  answer: AnswerOf<"monitor">,
  signal: AbortSignal,
): Promise<readonly StandingOut[]> {
  const ref = answer.exports["items"];
  if (ref === undefined) return [];
  const { body } = await deps.objects.get(actor, ref.key, { version: ref.version, signal });
  const read = await readTable(body, { name: ref.key, onBadRow: () => undefined, signal });
  const [at, because] = [read.columns.lastIndexOf("verdict"), read.columns.lastIndexOf("reason")];
  const found: StandingOut[] = [];
  for await (const { rows } of read.batches) {
    for (const row of rows) {
      const verdict = row[at] ?? "";
      if (verdict === "alarm" || verdict === "watch")
        found.push({ series: row.slice(0, at).join(" · "), verdict, reason: row[because] ?? "" });
    }
  }
  return found.toSorted((a, b) => (a.verdict < b.verdict ? -1 : a.verdict > b.verdict ? 1 : 0));
}
