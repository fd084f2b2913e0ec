// Effort: how hard an encoder may try, from what it will cost.
//
// Owns: the cost model of AVIF and WebP and the choice made with it. Does not own: calling the encoder.
//   E1. No encode on the request path is expected to take more than `maxEncodeMs`; what cannot keep that at the lowest effort is written
//       in another format.
//   E2. The estimate is for busy pictures (fine noise, edges), so that most cost less.
//
// Figures: bench/images/pictures.ts, milliseconds of one CPU for W megapixels of photo-like noise are `atOne * W ** power`; small pictures
// pay more a pixel, as an encoder's set-up and its first tiles cost more.

interface Cost {
  readonly atOne: number;
  readonly power: number;
}

const avifCosts: readonly Cost[] = [
  { atOne: 95, power: 0.9 },
  { atOne: 175, power: 0.78 },
  { atOne: 370, power: 0.85 },
  { atOne: 600, power: 0.8 },
  { atOne: 3000, power: 0.8 },
  { atOne: 4500, power: 0.8 },
  { atOne: 6500, power: 0.85 },
  { atOne: 11000, power: 0.9 },
  { atOne: 20000, power: 0.95 },
  { atOne: 40000, power: 1 },
];

const webpCosts: readonly Cost[] = [
  { atOne: 28, power: 0.8 },
  { atOne: 32, power: 0.82 },
  { atOne: 45, power: 0.9 },
  { atOne: 60, power: 0.9 },
  { atOne: 105, power: 0.92 },
  { atOne: 135, power: 0.92 },
  { atOne: 200, power: 0.9 },
];

export type EffortFormat = "avif" | "webp";

const costs: Record<EffortFormat, readonly Cost[]> = { avif: avifCosts, webp: webpCosts };

/** CPU milliseconds that writing this many pixels is expected to take. */
export function encodeMs(format: EffortFormat, effort: number, pixels: number): number {
  const table = costs[format];
  const cost = table[Math.min(Math.max(0, Math.round(effort)), table.length - 1)] ?? { atOne: 0, power: 1 };
  return cost.atOne * Math.max(0.001, pixels / 1e6) ** cost.power;
}

/** The longest an encode may be expected to take: a second is promised, and the estimate already errs on the long side. 12 megapixels of AVIF fit. */
export const maxEncodeMs = 900;

/** What an encoder may take on an idle machine when nobody asked for an effort. An 800 x 600 AVIF gets effort 0, a 400 x 300 effort 1. */
export const encodeBudgetMs: Record<EffortFormat, number> = { avif: 40, webp: 300 };

/** What WebP is written with when time allows: the classic handler's default and libwebp's own. */
const usualWebpEffort = 4;

export interface EffortQuestion {
  readonly format: EffortFormat;
  /** Of all frames together. */
  readonly pixels: number;
  /** What the request names, if it does. */
  readonly asked?: number | undefined;
  /** Pictures waiting for a place; 0 when idle. */
  readonly load?: number | undefined;
}

/**
 * The largest effort that the budget allows, at most the one asked for; undefined when even effort 0 is expected to take more than
 * `maxEncodeMs`.
 *
 * An effort that was asked for may take the whole of `maxEncodeMs`; one that nobody asked for the smaller budget, divided by one more
 * for every four pictures that wait.
 */
export function chooseEffort({ format, pixels, asked, load = 0 }: EffortQuestion): number | undefined {
  if (encodeMs(format, 0, pixels) > maxEncodeMs) return format === "webp" ? 0 : undefined;
  const top = asked ?? (format === "webp" ? usualWebpEffort : costs.avif.length - 1);
  const budget = asked === undefined ? encodeBudgetMs[format] / (1 + Math.max(0, load) / 4) : maxEncodeMs;
  for (let effort = Math.min(Math.round(top), costs[format].length - 1); effort > 0; effort--) {
    if (encodeMs(format, effort, pixels) <= budget) return effort;
  }
  return 0;
}
