// Doubts: what the backtests say against a forecast, told wherever its figures are.

import { percent } from "../../../platform/figures.ts";
import type { Accuracy } from "../../engine/metrics/metrics.ts";

/** Fewer points say little either way. */
const leastPoints = 30;
/** An interval that held this much less than it promises is none to order by. */
const mostMissed = 0.2;
/** A forecast may be this much worse than repeating the last season by chance: as a ratio, and in WAPE where both are nearly nothing. */
const [worse, atLeast] = [1.05, 0.02];

/** Sentences for people; none where the backtests speak for the forecast, or were too few to speak. */
export function doubtsOf(accuracy: Accuracy | undefined): readonly string[] {
  if (accuracy === undefined || accuracy.points < leastPoints) return [];
  const { wape, naiveWape, coverage } = accuracy;
  const broken = Object.entries(coverage).find(([nominal, observed]) => observed < Number(nominal) - mostMissed);
  const interval = broken === undefined ? "" : percent(Number(broken[0]), { digits: 0 });
  return [
    ...(broken === undefined
      ? []
      : [
          `Of what was sold in the backtests only ${percent(broken[1])} lay within the ${interval} interval: do not order by these quantiles before you know why.`,
        ]),
    ...(naiveWape === undefined || wape <= Math.max(worse * naiveWape, naiveWape + atLeast)
      ? []
      : [`In the backtests repeating the last season was nearer (WAPE ${percent(naiveWape)}) than this forecast (${percent(wape)}).`]),
  ];
}
