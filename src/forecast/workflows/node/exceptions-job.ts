// Exceptions: the series of a node that deserve a look: new, ended, without a forecast, one-sided, worse than repeating the last season.
//
//   E1. The order is that of money at stake (units ahead times the price ahead), of units ahead where no price is known. A series without a price
//       among others that have one counts with the middle one of theirs, for the order alone.

import type { ComputeTask, TaskTools } from "../../../platform/compute/contract.ts";
import { readTable } from "../../../platform/formats/index.ts";
import type { ReadHandle } from "../../../platform/objects/contract.ts";
import { rankOfName } from "../../../platform/intake/names.ts";
import { openHandle } from "../../../platform/objects/handles.ts";
import { timestampOf } from "../../engine/calendar/grid.ts";
import type { Panel } from "../../engine/contract.ts";
import { knownNames, priceNames } from "../intake/names.ts";
import { brokenExport, forecastOf, keyOfIds, readRows } from "../planning/finished.ts";
import { unpackPanel } from "../pipeline/pieces.ts";
import { idsOf, round } from "../run/rows.ts";
import { pickSeriesOf, placesOf, type Held } from "./pick.ts";

export interface ExceptionsInput {
  readonly panel: ReadHandle;
  readonly forecast: ReadHandle;
  /** How good the backtests were, by series. */
  readonly accuracy: ReadHandle | undefined;
  readonly where: readonly Held[];
}

export const exceptionKinds = ["no forecast", "ended", "new", "bias", "worse than last season"] as const;
export type ExceptionKind = (typeof exceptionKinds)[number];

export interface Exception {
  /** Item and dimensions. */
  readonly ids: readonly string[];
  /** One at least. */
  readonly kinds: readonly ExceptionKind[];
  /** Whole sentences, one a kind. */
  readonly reasons: readonly string[];
  /** Units over the horizon. */
  readonly ahead: number;
  /** The mean price over the horizon, else the last known; null where there is none. */
  readonly price: number | null;
  readonly money: number | null;
  readonly wape: number | null;
  readonly naiveWape: number | null;
  readonly bias: number | null;
}

export interface Exceptions {
  readonly series: number;
  readonly counts: Readonly<Record<ExceptionKind, number>>;
  readonly rows: readonly Exception[];
}

export const exceptionsJob: ComputeTask<ExceptionsInput, Exceptions> = { module: import.meta.url, name: "forecast.exceptions" };

/** Shares from which one looks: of bias, and by how much worse than repeating the last season. */
const notableBias = 0.2;
const notablyWorse = 1.1;

export async function run(input: ExceptionsInput, { signal }: TaskTools): Promise<Exceptions> {
  const panel = await unpackPanel(openHandle(input.panel, signal));
  const chosen = pickSeriesOf(panel, input.where);
  const places = placesOf(panel, chosen);
  const ahead = new Map<number, number>();
  const rows = await readRows(openHandle(input.forecast, signal), input.forecast.entry.key, { signal, broken: brokenExport });
  for await (const stored of rows.series()) {
    const at = places.get(keyOfIds(stored.ids));
    if (at !== undefined)
      ahead.set(
        at,
        forecastOf(stored, rows.levels).mean.reduce((sum, value) => sum + value, 0),
      );
  }
  const measured = await readAccuracy(input.accuracy, places, signal);
  const priceOf = priceReader(panel);
  const found = chosen.flatMap((series, at): Exception[] => {
    const accuracy = measured.get(at);
    const findings = findingsOf(panel, series, ahead.get(at), accuracy);
    if (findings.length === 0) return [];
    const price = priceOf(series);
    const units = ahead.get(at) ?? 0;
    return [
      {
        ids: idsOf(panel, series),
        kinds: findings.map(({ kind }) => kind),
        reasons: findings.map(({ reason }) => reason),
        ahead: round(units),
        price: price === null ? null : round(price),
        money: price === null ? null : round(units * price),
        wape: accuracy?.wape ?? null,
        naiveWape: accuracy?.naiveWape ?? null,
        bias: accuracy?.bias ?? null,
      },
    ];
  });
  const counts = Object.fromEntries(
    exceptionKinds.map((kind) => [kind, found.filter(({ kinds }) => kinds.includes(kind)).length]),
  ) as Record<ExceptionKind, number>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of every kind
  return { series: chosen.length, counts, rows: mostFirst(found) };
}

/** In the order of what is at stake (E1). */
export function mostFirst<Row extends Pick<Exception, "ids" | "ahead" | "price" | "money">>(rows: readonly Row[]): readonly Row[] {
  const prices = rows.flatMap(({ price }) => (price === null ? [] : [price])).toSorted((a, b) => a - b);
  const usual = prices[prices.length >> 1] ?? 1;
  const stake = ({ money, ahead }: Row): number => money ?? ahead * usual;
  return rows.toSorted((a, b) => stake(b) - stake(a) || b.ahead - a.ahead || (keyOfIds(a.ids) < keyOfIds(b.ids) ? -1 : 1));
}

interface Measured {
  readonly wape: number | null;
  readonly naiveWape: number | null;
  readonly bias: number | null;
}

interface Finding {
  readonly kind: ExceptionKind;
  readonly reason: string;
}

const percents = (share: number): string => `${Math.abs(Math.round(100 * share))} %`;

function findingsOf(panel: Panel, series: number, ahead: number | undefined, accuracy: Measured | undefined): readonly Finding[] {
  const { grid, seasons } = panel;
  const own = panel.values.subarray(panel.offsets[series], panel.offsets[series + 1]);
  const start = grid.length - own.length;
  const sells = (value: number): boolean => value > 0;
  const [first, last] = [own.findIndex(sells), own.findLastIndex(sells)];
  const long = Math.max(grid.horizon, Math.round(seasons[0] ?? 0));
  const found: Finding[] = [];
  if (ahead === undefined) found.push({ kind: "no forecast", reason: "There is nothing to go by, so it has no forecast." });
  if (last >= 0 && own.length - 1 - last >= long) {
    found.push({ kind: "ended", reason: `Nothing was sold since ${timestampOf(grid, start + last)}, ${own.length - 1 - last} steps.` });
  } else if (first < 0 || own.length - first < long) {
    found.push({
      kind: "new",
      reason:
        first < 0
          ? "It was never sold yet."
          : `First sold on ${timestampOf(grid, start + first)}: less history than a season or the horizon.`,
    });
  }
  const { bias, wape, naiveWape } = accuracy ?? { bias: null, wape: null, naiveWape: null };
  if (bias !== null && Math.abs(bias) >= notableBias) {
    found.push({ kind: "bias", reason: `The backtests were ${bias > 0 ? "too low" : "too high"} by ${percents(bias)} on the whole.` });
  }
  if (wape !== null && naiveWape !== null && wape > notablyWorse * naiveWape) {
    found.push({
      kind: "worse than last season",
      reason: `The backtests missed ${percents(wape)}; repeating the last season would have missed ${percents(naiveWape)}.`,
    });
  }
  return found;
}

async function readAccuracy(
  handle: ReadHandle | undefined,
  places: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Measured>> {
  const measured = new Map<number, Measured>();
  if (handle === undefined) return measured;
  const table = await readTable(openHandle(handle, signal), { name: handle.entry.key, signal, onBadRow: () => undefined });
  const first = table.columns.indexOf("windows");
  const [wape, naive, bias] = ["WAPE", "seasonal_naive_WAPE", "bias"].map((name) => table.columns.lastIndexOf(name));
  const cell = (row: readonly string[], column: number | undefined): number | null => {
    const text = column === undefined || column < 0 ? "" : (row[column] ?? "");
    return text === "" ? null : Number(text);
  };
  for await (const { rows } of table.batches) {
    for (const row of rows) {
      const at = places.get(keyOfIds(row.slice(0, first)));
      if (at !== undefined) measured.set(at, { wape: cell(row, wape), naiveWape: cell(row, naive), bias: cell(row, bias) });
    }
  }
  return measured;
}

/**
 * The column of prices: one that is called a price before one that has something to do with it (`competitor_price`); none that is known as something
 * else (`fuel_price`).
 */
export function priceAmong<Column extends { readonly name: string }>(columns: readonly Column[]): Column | undefined {
  const own = knownNames.indexOf(priceNames);
  const find = (rank: number): Column | undefined => columns.find(({ name }) => rankOfName(name, knownNames) === rank);
  return find(own) ?? find(knownNames.length + own);
}

/** The price of a series: the mean of what is known of the horizon, else the last known one. */
function priceReader(panel: Panel): (series: number) => number | null {
  const prices = priceAmong(panel.regressors);
  if (prices === undefined) return () => null;
  const { horizon } = panel.grid;
  return (series) => {
    const begin = panel.offsets[series] + series * horizon;
    const end = panel.offsets[series + 1] + series * horizon;
    const ahead = prices.values.subarray(end, end + horizon).filter((value) => !Number.isNaN(value));
    if (ahead.length > 0) return ahead.reduce((sum, value) => sum + value, 0) / ahead.length;
    const last = prices.values.subarray(begin, end).findLast((value) => !Number.isNaN(value));
    return last ?? null;
  };
}
