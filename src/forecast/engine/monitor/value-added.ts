// Forecast value added: whose forecast was better, the simple one, the system's or the planner's.
//
// As in Gilliland (2013), "FVA: A reality check on forecasting practices", Foresight 29. A planner's upward changes are told from downward ones:
// the latter usually help, the former often do not (Fildes, Goodwin, Lawrence & Nikolopoulos 2009, International Journal of Forecasting 25(1)).
// Owns: the comparison. Does not own: adjustments themselves, or which simple forecast is taken.

import { signTest } from "./bounds.ts";

/** One forecast cell after the fact. */
export interface Cell {
  readonly item: string;
  /** NaN: not known yet; the cell is left out. */
  readonly actual: number;
  readonly naive: number;
  readonly system: number;
  /** Present where a planner changed it. */
  readonly adjustment?: { readonly value: number; readonly author: string; readonly reason: string };
}

/** Sums over the same cells, so that the three compare. */
export interface ValueAdded {
  readonly points: number;
  readonly wapeNaive: number;
  readonly wapeSystem: number;
  /** With the adjusted value where there is one, the system's elsewhere: what was used. */
  readonly wapeUsed: number;
  /** WAPE naive less system: above zero the system is worth having. */
  readonly systemAdded: number;
  /** WAPE system less used: above zero the adjustments were worth making. */
  readonly adjustmentAdded: number;
}

/** The adjusted cells alone, in one group. */
export interface AdjustmentValue extends ValueAdded {
  readonly group: string;
  readonly improved: number;
  readonly worsened: number;
  /** Mean size of the change over mean size of the system's forecast. */
  readonly meanChange: number;
}

export interface ValueReport {
  readonly all: ValueAdded;
  /** Adjusted cells only. */
  readonly adjusted: AdjustmentValue;
  readonly upwards: AdjustmentValue;
  readonly downwards: AdjustmentValue;
  readonly byAuthor: readonly AdjustmentValue[];
  readonly byReason: readonly AdjustmentValue[];
  readonly byItem: readonly AdjustmentValue[];
  /** Chance of so uneven a count of items improved and worsened if adjusting made no difference (sign test over items; an item's cells hang together). */
  readonly chance: number;
  readonly verdict: "adjustments help" | "adjustments harm" | "no clear difference" | "no adjustments";
  /** A whole sentence. */
  readonly reason: string;
}

function addUp(cells: readonly Cell[]): ValueAdded {
  let size = 0;
  let naive = 0;
  let system = 0;
  let used = 0;
  for (const { actual, naive: simple, system: own, adjustment } of cells) {
    size += Math.abs(actual);
    naive += Math.abs(actual - simple);
    system += Math.abs(actual - own);
    used += Math.abs(actual - (adjustment?.value ?? own));
  }
  // As everywhere: with nothing sold the error stands undivided.
  const per = size > 1e-12 ? size : 1;
  return {
    points: cells.length,
    wapeNaive: naive / per,
    wapeSystem: system / per,
    wapeUsed: used / per,
    systemAdded: (naive - system) / per,
    adjustmentAdded: (system - used) / per,
  };
}

function valueOf(group: string, cells: readonly Cell[]): AdjustmentValue {
  let improved = 0;
  let worsened = 0;
  let change = 0;
  let system = 0;
  for (const { actual, system: own, adjustment } of cells) {
    const gain = Math.abs(actual - own) - Math.abs(actual - (adjustment?.value ?? own));
    if (gain > 0) improved++;
    if (gain < 0) worsened++;
    change += Math.abs((adjustment?.value ?? own) - own);
    system += Math.abs(own);
  }
  return { ...addUp(cells), group, improved, worsened, meanChange: system > 0 ? change / system : 0 };
}

function grouped(cells: readonly Cell[], keyOf: (cell: Cell) => string): readonly AdjustmentValue[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = keyOf(cell);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [cell]);
    else group.push(cell);
  }
  // Those who changed most, first.
  return [...groups].map(([key, members]) => valueOf(key, members)).sort((a, b) => b.points - a.points || (a.group < b.group ? -1 : 1));
}

/** Says whose forecast was better, over all cells with an actual and over the adjusted ones by direction, author, reason and item. */
export function forecastValueAdded(cells: readonly Cell[]): ValueReport {
  const known = cells.filter(({ actual, naive, system }) => Number.isFinite(actual + naive + system));
  const adjusted = known.filter(({ adjustment }) => adjustment !== undefined && Number.isFinite(adjustment.value));
  const byItem = grouped(adjusted, ({ item }) => item);
  let better = 0;
  let worse = 0;
  for (const { adjustmentAdded } of byItem) {
    if (adjustmentAdded > 0) better++;
    if (adjustmentAdded < 0) worse++;
  }
  const chance = signTest(better, better + worse);
  const whole = valueOf("adjusted", adjusted);
  const clear = chance < 0.05 && better > worse === whole.adjustmentAdded > 0;
  const verdict =
    adjusted.length === 0
      ? "no adjustments"
      : !clear
        ? "no clear difference"
        : whole.adjustmentAdded > 0
          ? "adjustments help"
          : "adjustments harm";
  const points = (x: number): string => `${Number((100 * Math.abs(x)).toFixed(1))} points of WAPE`;
  const reason =
    adjusted.length === 0
      ? `None of ${known.length} cells with an actual was adjusted.`
      : `On ${adjusted.length} adjusted cells the planner ${whole.adjustmentAdded >= 0 ? "gained" : "lost"} ${points(whole.adjustmentAdded)} against the system; ` +
        `${better} items became better, ${worse} worse (by chance: ${Number((100 * chance).toPrecision(2))} %).`;
  return {
    all: addUp(known),
    adjusted: whole,
    upwards: valueOf(
      "upwards",
      adjusted.filter(({ system, adjustment }) => (adjustment?.value ?? system) > system),
    ),
    downwards: valueOf(
      "downwards",
      adjusted.filter(({ system, adjustment }) => (adjustment?.value ?? system) < system),
    ),
    byAuthor: grouped(adjusted, ({ adjustment }) => adjustment?.author ?? ""),
    byReason: grouped(adjusted, ({ adjustment }) => adjustment?.reason ?? ""),
    byItem,
    chance,
    verdict,
    reason,
  };
}
