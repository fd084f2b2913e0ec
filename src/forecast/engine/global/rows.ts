// Training rows: which steps of which series, seen from which origin, teach a global model; and rows of any kind as bins.

import type { Random } from "../../../platform/random.ts";
import type { Panel } from "../contract.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import { binOf } from "./bins.ts";
import type { Edges } from "./bins.ts";
import { openSeries, writeRow } from "./features.ts";
import type { Reader } from "./features.ts";
import type { Plan } from "./plan.ts";

/** Features, targets and weights of drawn rows. */
export interface Drawn {
  readonly rows: number;
  /** Rows before this one teach; the others (the latest targets) say when to stop. */
  readonly train: number;
  /** Row by row. */
  readonly features: Float32Array;
  /** Demand divided by level. */
  readonly targets: Float32Array;
  /** Demand as it came, where a target is bounded. */
  readonly demand: Float32Array;
  /** 1 where the row shows sales of its own series. */
  readonly sold: Uint8Array;
  readonly levels: Float64Array;
}

export interface DrawOptions {
  /** Grid index: nothing at or after it is read. */
  readonly cut: number;
  /** Latest steps kept to say when to stop; 0: none. */
  readonly tail: number;
  /** Most rows that teach, and most that stop. */
  readonly rows: number;
  readonly tailRows: number;
  /** Share of teaching rows shown as if their series were new. */
  readonly coldShare: number;
  /** Targets older than this many steps before the cut are not drawn. */
  readonly reach: number;
  /** Most origins from which one target is seen. */
  readonly perTarget: number;
}

// No row may teach more than this many times the level of its series: one outlier would else be all that is learned.
const mostLevels = 100;

interface Draft {
  readonly series: Int32Array;
  readonly origins: Int32Array;
  readonly steps: Int32Array;
  count: number;
}

/**
 * Draws rows evenly over all known targets of all series, each from a random origin within the horizon.
 *
 * Where there are fewer targets than rows asked for, a target is seen from several origins. Time: one pass over the demand that may be read.
 */
export function drawRows(reader: Reader, options: DrawOptions, random: Random): Drawn {
  const { plan, panel } = reader;
  const { horizon } = plan;
  const border = options.cut - options.tail;
  const { cut, reach, perTarget } = options;
  const shared = { horizon, perTarget };
  const teach = draft(panel, { ...shared, from: cut - reach, to: border, most: options.rows, fixedOrigin: false }, random.fork("targets"));
  const stop = draft(panel, { ...shared, from: border, to: cut, most: options.tailRows, fixedOrigin: true }, random.fork("tail"));
  const rows = teach.count + stop.count;
  const width = plan.features.length;
  const features = new Float32Array(rows * width);
  const targets = new Float32Array(rows);
  const demand = new Float32Array(rows);
  const sold = new Uint8Array(rows);
  const levels = new Float64Array(rows);
  const colds = random.fork("cold");
  let at = 0;
  for (const part of [teach, stop]) {
    for (let n = 0; n < part.count; n++) {
      const i = part.series[n];
      if (n === 0 || i !== part.series[n - 1]) openSeries(reader, i, options.cut);
      const origin = part.origins[n];
      const cold = part === teach && colds.next() < options.coldShare;
      levels[at] = writeRow(reader, origin, part.steps[n], cold, features, at * width);
      const target = panel.offsets[i] + origin + part.steps[n] - 1 - reader.open.start;
      targets[at] = panel.values[target] / levels[at];
      if (Math.abs(targets[at]) > mostLevels && cold) {
        // Nothing about its kind could have told this: shown as it is, with its own past.
        levels[at] = writeRow(reader, origin, part.steps[n], false, features, at * width);
        targets[at] = panel.values[target] / levels[at];
      }
      sold[at] = !cold && reader.open.absolute[origin - reader.open.start] > 0 ? 1 : 0;
      demand[at] = panel.values[target];
      targets[at] = Math.max(-mostLevels, Math.min(mostLevels, targets[at]));
      at++;
    }
  }
  return { rows, train: teach.count, features, targets, demand, sold, levels };
}

interface DraftOptions {
  /** Targets are the known steps in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly horizon: number;
  readonly perTarget: number;
  /** Most rows. */
  readonly most: number;
  /** Whether all are seen from `from`. */
  readonly fixedOrigin: boolean;
}

function draft(panel: Panel, options: DraftOptions, random: Random): Draft {
  const { from, to, horizon, most, fixedOrigin } = options;
  let known = 0;
  for (let i = 0; i < seriesCount(panel); i++) {
    const start = panel.grid.length - historyLength(panel, i);
    for (let t = Math.max(start + 1, from); t < to; t++) if (!Number.isNaN(panel.values[panel.offsets[i] + t - start])) known++;
  }
  // Rows per target: less than one when there are plenty, at most one per step ahead.
  const share = known > 0 ? Math.min(fixedOrigin ? 1 : Math.min(options.perTarget, horizon), most / known) : 0;
  const size = Math.ceil(known * share) + 1;
  const drawn: Draft = { series: new Int32Array(size), origins: new Int32Array(size), steps: new Int32Array(size), count: 0 };
  let due = random.next();
  for (let i = 0; i < seriesCount(panel); i++) {
    const start = panel.grid.length - historyLength(panel, i);
    for (let t = Math.max(start + 1, from); t < to; t++) {
      if (Number.isNaN(panel.values[panel.offsets[i] + t - start])) continue;
      due += share;
      const times = Math.floor(due);
      due -= times;
      // Steps ahead spread evenly from a random first one; origins before the series began show nothing and are not drawn.
      const first = random.below(horizon);
      for (let n = 0; n < times && drawn.count < size; n++) {
        const step = fixedOrigin ? t - from + 1 : 1 + ((first + Math.floor((n * horizon) / times)) % horizon);
        const origin = t - step + 1;
        if (step > horizon || (!fixedOrigin && origin <= start)) continue;
        drawn.series[drawn.count] = i;
        drawn.origins[drawn.count] = origin;
        drawn.steps[drawn.count++] = step;
      }
    }
  }
  return drawn;
}

/** Bins rows of features, row by row. */
export function binRows(plan: Plan, edges: Edges, features: Float32Array, rows: number, out: Uint8Array): void {
  const width = plan.features.length;
  const coded = width - plan.categories.length;
  for (let f = 0; f < coded; f++) {
    const bounds = edges[f];
    for (let at = f; at < rows * width; at += width) out[at] = binOf(bounds, features[at]);
  }
  for (let f = coded; f < width; f++) for (let at = f; at < rows * width; at += width) out[at] = features[at];
}
