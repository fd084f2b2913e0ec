// Applying changes: a copy of a panel whose future regressors differ.
//
// Owns: which cells a change meets. Does not own: the syntax (change.ts, command.ts), forecasting the copy.
//   W1. Only cells from `grid.length` on are changed. History, target and every array that has no change are the given panel's own.
//   W2. Changes apply in order, each seeing what the one before left; within one, conditions are judged before any cell is changed.

import { nearestAll } from "../../../platform/similar.ts";
import type { Category, Panel, PanelRegressor, SharedRegressor } from "../contract.ts";
import { stampAt } from "../calendar/grid.ts";
import { sharedFloat32 } from "../panel/make.ts";
import { historyLength, seriesCount } from "../panel/series.ts";
import type { Change, Condition, Fault } from "./change.ts";
import { farText, noneFar, noteFar, rangesSeen } from "./far.ts";

/** What one change met. */
export interface Effect {
  readonly change: Change;
  /** Cells whose number was changed or set. */
  readonly cells: number;
  readonly series: number;
}

export type Applied =
  | {
      readonly kind: "applied";
      readonly panel: Panel;
      readonly effects: readonly Effect[];
      /** Whole sentences: nothing matched, unknown cells were left alone, negative numbers came out, numbers far outside anything seen. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: "faults"; readonly faults: readonly Fault[] };

const timeNames = new Set(["timestamp", "date", "time"]);
const itemNames = new Set(["item_id", "item"]);

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Milliseconds (UTC) of `yyyy-MM-dd` or `yyyy-MM-dd HH:mm[:ss]`; undefined for anything else, dates that do not exist included. */
export function parseInstant(text: string): number | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((part: string | undefined) => (part === undefined ? undefined : Number(part)));
  const ms = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  const back = new Date(ms);
  const holds = back.getUTCMonth() + 1 === month && back.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return holds ? ms : undefined;
}

/** What a condition reads. */
type Subject =
  | { readonly kind: "item" }
  | { readonly kind: "category"; readonly category: Category }
  | { readonly kind: "time" }
  | { readonly kind: "number"; readonly name: string };

/** What names and conditions are read against; the numbers themselves are not needed. */
export type Names = Pick<Panel, "itemIds" | "dimensions" | "metadata"> & {
  readonly regressors: readonly { readonly name: string }[];
  readonly shared: readonly { readonly name: string }[];
};

function findSubject(panel: Names, attribute: string): Subject | undefined {
  const category = [...panel.dimensions, ...panel.metadata].find(({ name }) => sameName(name, attribute));
  if (category !== undefined) return { kind: "category", category };
  const number = [...panel.regressors, ...panel.shared].find(({ name }) => sameName(name, attribute));
  if (number !== undefined) return { kind: "number", name: number.name };
  if (itemNames.has(attribute.toLowerCase())) return { kind: "item" };
  if (timeNames.has(attribute.toLowerCase())) return { kind: "time" };
  return undefined;
}

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

function checkConditions(panel: Names, where: string, conditions: readonly Condition[]): readonly Fault[] {
  const faults: Fault[] = [];
  const numbers = [...panel.regressors, ...panel.shared].map(({ name }) => name);
  const all = ["item_id", ...[...panel.dimensions, ...panel.metadata].map(({ name }) => name), ...numbers, "timestamp"];
  for (const { attribute, comparison, values } of conditions) {
    const subject = findSubject(panel, attribute);
    const ordered = comparison !== "EQUALS" && comparison !== "NOT_EQUALS";
    const wrong = (test: (value: string) => boolean): string | undefined => values.find((value) => !test(value));
    if (subject === undefined) {
      faults.push({ where, message: `Expected a condition on one of ${all.join(", ")} but received ${attribute}.` });
    } else if (subject.kind === "time") {
      const bad = wrong((value) => parseInstant(value) !== undefined);
      if (bad !== undefined)
        faults.push({ where, message: `Expected yyyy-MM-dd or yyyy-MM-dd HH:mm:ss for ${attribute} but received ${bad}.` });
    } else if (subject.kind === "number" || ordered) {
      const bad = wrong(isNumber);
      if (bad !== undefined) faults.push({ where, message: `Expected a number to compare ${attribute} with but received ${bad}.` });
      const levels = subject.kind === "category" ? subject.category.levels : subject.kind === "item" ? panel.itemIds : [];
      const text = ordered ? levels.find((level) => !isNumber(level)) : undefined;
      if (text !== undefined) {
        faults.push({
          where,
          message: `Expected EQUALS or NOT_EQUALS on ${attribute}, which holds texts such as ${text}, but received ${comparison}.`,
        });
      }
    }
  }
  return faults;
}

/**
 * Texts that conditions name and no series has, each with what is near it: `no item_id is "itm_1"; near it: item_1`. Beside known ones too, as a list
 * of which one is mistyped would meet the others in silence.
 */
export function unknownTexts(panel: Names, conditions: readonly Condition[]): readonly string[] {
  return conditions.flatMap(({ attribute, comparison, values }) => {
    const subject = findSubject(panel, attribute);
    if ((comparison !== "EQUALS" && comparison !== "NOT_EQUALS") || (subject?.kind !== "category" && subject?.kind !== "item")) return [];
    const known = [...new Set(subject.kind === "item" ? panel.itemIds : subject.category.levels)];
    return values
      .filter((value) => !known.includes(value))
      .map((value) => {
        const near = nearestAll(value, known, { limit: 3, most: (typed, name) => Math.max(1, Math.ceil(Math.max(typed, name) / 2)) });
        return `no ${attribute} is "${value}"${near.length === 0 ? "" : `; near it: ${near.join(", ")}`}`;
      });
  });
}

/** Why a change cannot be applied to this panel: unknown names and texts, values that do not compare. */
export function checkChanges(panel: Names, changes: readonly Change[]): readonly Fault[] {
  const faults: Fault[] = [];
  const numbers = [...panel.regressors, ...panel.shared].map(({ name }) => name);
  for (const [i, change] of changes.entries()) {
    const where = `change ${i + 1}`;
    if (!numbers.some((name) => sameName(name, change.attribute))) {
      const known =
        numbers.length === 0 ? "a related series, of which the data have none," : `a related series among ${numbers.join(", ")}`;
      faults.push({ where, message: `Expected ${known} to change but received ${change.attribute}.` });
    }
    faults.push(...checkConditions(panel, where, change.conditions));
    for (const unknown of unknownTexts(panel, change.conditions)) {
      faults.push({ where, message: `Expected texts that some series has, but ${unknown}.` });
    }
  }
  return faults;
}

function compares(condition: Condition, value: number, wanted: readonly number[]): boolean {
  if (Number.isNaN(value)) return false;
  switch (condition.comparison) {
    case "EQUALS":
      return wanted.includes(value);
    case "NOT_EQUALS":
      return !wanted.includes(value);
    case "LESS_THAN":
      return value < wanted[0];
    case "GREATER_THAN":
      return value > wanted[0];
    case "AT_MOST":
      return value <= wanted[0];
    default:
      return value >= wanted[0];
  }
}

/** Whether a condition on texts (or on texts that are numbers, when ordered) holds. An unknown text is unequal to all and beyond comparison. */
function holdsText(condition: Condition, text: string | undefined): boolean {
  const { comparison, values } = condition;
  if (comparison === "EQUALS") return text !== undefined && values.includes(text);
  if (comparison === "NOT_EQUALS") return text === undefined || !values.includes(text);
  return text !== undefined && compares(condition, Number(text), values.map(Number));
}

/** Series for which all conditions hold, 1 for each. Conditions on numbers and times are faults here: they differ from step to step. */
export function findSeries(
  panel: Names,
  conditions: readonly Condition[],
): { readonly kind: "series"; readonly series: Uint8Array } | { readonly kind: "faults"; readonly faults: readonly Fault[] } {
  const faults = [...checkConditions(panel, "conditions", conditions)];
  const series = new Uint8Array(panel.itemIds.length).fill(1);
  for (const condition of conditions) {
    const subject = findSubject(panel, condition.attribute);
    if (subject?.kind === "time" || subject?.kind === "number") {
      faults.push({
        where: "conditions",
        message: `Expected a condition on an item, a dimension or item metadata but received ${condition.attribute}, which differs from step to step.`,
      });
    } else if (subject !== undefined) {
      for (let i = 0; i < series.length; i++) if (!holdsText(condition, textAt(panel, subject, i))) series[i] = 0;
    }
  }
  return faults.length > 0 ? { kind: "faults", faults } : { kind: "series", series };
}

function textAt(panel: Names, subject: Subject, i: number): string | undefined {
  if (subject.kind !== "category") return panel.itemIds[i];
  const code = subject.category.codes[i];
  return code < 0 ? undefined : subject.category.levels[code];
}

/** A copy in memory of the same kind, so that threads go on sharing it. */
function copyCells(values: Float32Array): Float32Array {
  const out = values.buffer instanceof SharedArrayBuffer ? sharedFloat32(values.length) : new Float32Array(values.length);
  out.set(values);
  return out;
}

/** Spreads a shared regressor to series, so that one series' future may differ from another's. */
function spreadToSeries(panel: Panel, shared: SharedRegressor): PanelRegressor {
  const { length, horizon } = panel.grid;
  const count = seriesCount(panel);
  const values = sharedFloat32(panel.offsets[count] + count * horizon);
  for (let i = 0; i < count; i++) {
    values.set(shared.values.subarray(length - historyLength(panel, i), length + horizon), panel.offsets[i] + i * horizon);
  }
  return { name: shared.name, values };
}

function operate(change: Change, before: number): number {
  switch (change.operation) {
    case "ADD":
      return before + change.value;
    case "SUBTRACT":
      return before - change.value;
    case "MULTIPLY":
      return before * change.value;
    case "DIVIDE":
      return before / change.value;
    default:
      return change.value;
  }
}

/** A condition on numbers, judged cell by cell. */
interface CellCondition {
  readonly condition: Condition;
  readonly name: string;
  readonly wanted: readonly number[];
}

/** What a change may meet: steps ahead and series (1 for each), and the cells among them that meet all of `onCells`. */
interface Scope {
  readonly steps: Uint8Array;
  readonly series: Uint8Array;
  readonly onCells: readonly CellCondition[];
}

function scopeOf(panel: Panel, { conditions }: Change): Scope {
  const { length, horizon } = panel.grid;
  const steps = new Uint8Array(horizon).fill(1);
  const series = new Uint8Array(seriesCount(panel)).fill(1);
  const onCells: CellCondition[] = [];
  for (const condition of conditions) {
    const subject = findSubject(panel, condition.attribute);
    if (subject?.kind === "time") {
      const wanted = condition.values.map((value) => parseInstant(value) ?? Number.NaN);
      for (let h = 0; h < horizon; h++) if (!compares(condition, stampAt(panel.grid, length + h), wanted)) steps[h] = 0;
    } else if (subject?.kind === "number") {
      // The cells hold single precision: 4.99 is compared as they would hold it.
      onCells.push({ condition, name: subject.name, wanted: condition.values.map((value) => Math.fround(Number(value))) });
    } else {
      for (let i = 0; i < series.length; i++) if (!holdsText(condition, textAt(panel, subject ?? { kind: "item" }, i))) series[i] = 0;
    }
  }
  return { steps, series, onCells };
}

/** A regressor that may be written to, and the panel that has it. */
interface Target {
  readonly panel: Panel;
  readonly values: Float32Array;
  /** Whether each series has cells of its own. */
  readonly bySeries: boolean;
}

/** The regressor of a change, copied where `copied` does not name it yet and spread to series where the scope differs between them. */
function openTarget(given: Panel, { attribute }: Change, { series, onCells }: Scope, copied: Set<string>): Target | undefined {
  const isMeant = ({ name }: { readonly name: string }): boolean => sameName(name, attribute);
  let panel = given;
  const shared = panel.shared.find(isMeant);
  if (shared !== undefined && (onCells.length > 0 || series.includes(0))) {
    panel = {
      ...panel,
      regressors: [...panel.regressors, spreadToSeries(panel, shared)],
      shared: panel.shared.filter((each) => each !== shared),
    };
    copied.add(shared.name);
  }
  const own = panel.regressors.find(isMeant);
  const old = own ?? panel.shared.find(isMeant);
  if (old === undefined) return undefined;
  const bySeries = own !== undefined;
  if (copied.has(old.name)) return { panel, values: old.values, bySeries };
  copied.add(old.name);
  const copy = { name: old.name, values: copyCells(old.values) };
  const swap = <Regressor extends PanelRegressor | SharedRegressor>(list: readonly Regressor[]): readonly (Regressor | typeof copy)[] =>
    list.map((each) => (each === old ? copy : each));
  return { panel: { ...panel, regressors: swap(panel.regressors), shared: swap(panel.shared) }, values: copy.values, bySeries };
}

/** What became of the cells that a change met. */
interface Tally {
  cells: number;
  series: number;
  unknown: number;
  negative: number;
  endless: number;
  readonly far: ReturnType<typeof noneFar>;
}

/** Carries a change out on the cells in its scope. Conditions read the panel as it stands. */
function changeCells(given: Panel, { panel, values, bySeries }: Target, change: Change, { steps, series, onCells }: Scope): Tally {
  const { length, horizon } = panel.grid;
  const readers = onCells.map(({ condition, name, wanted }) => {
    const own = panel.regressors.find((each) => each.name === name);
    const common = panel.shared.find((each) => each.name === name);
    return { condition, wanted, values: (own ?? common)?.values ?? new Float32Array(0), own: own !== undefined };
  });
  const seen = rangesSeen(given, change.attribute);
  const tally: Tally = { cells: 0, series: 0, unknown: 0, negative: 0, endless: 0, far: noneFar() };
  for (let i = 0; i < (bySeries ? series.length : 1); i++) {
    if (series[i] === 0 && bySeries) continue;
    const ahead = panel.offsets[i + 1] + i * horizon;
    const first = bySeries ? ahead : length;
    const before = tally.cells;
    for (let h = 0; h < horizon; h++) {
      if (steps[h] === 0) continue;
      const holds = readers.every((each) => compares(each.condition, each.values[each.own ? ahead + h : length + h], each.wanted));
      if (!holds) continue;
      const old = values[first + h];
      const value = Math.fround(operate(change, old));
      if (Number.isNaN(old) && change.operation !== "SET") tally.unknown++;
      else if (!Number.isFinite(value)) tally.endless++;
      else {
        if (value < 0 && !(old < 0)) tally.negative++;
        values[first + h] = value;
        noteFar(tally.far, seen(bySeries ? i : -1), value, bySeries ? i : -1, h);
        tally.cells++;
      }
    }
    if (tally.cells > before) tally.series += bySeries ? 1 : series.length;
  }
  return tally;
}

/** Whole sentences on what a change met and left. */
function warningsOf(given: Panel, named: string, { cells, unknown, negative, endless, far }: Tally): readonly string[] {
  const warnings: string[] = [];
  if (cells === 0) {
    const why = unknown > 0 ? `: all ${unknown} are unknown` : "";
    warnings.push(`${named} met no cell of the ${given.grid.horizon} steps ahead${why}. Check its conditions.`);
  } else if (unknown > 0) warnings.push(`${named} left ${unknown} cells alone that are unknown.`);
  if (far.cells > 0) warnings.push(`${named} sets ${far.cells} cells far outside anything seen: ${farText(given, far)}`);
  if (negative > 0) warnings.push(`${named} made ${negative} cells negative.`);
  if (endless > 0) warnings.push(`${named} left ${endless} cells alone whose result is beyond the range of numbers.`);
  return warnings;
}

/**
 * Applies changes to the future of a panel and returns a changed copy, with what each change met.
 *
 * A regressor that is the same for all series stays shared as long as its changes go by time alone; otherwise it is spread to series and stands
 * among `regressors`. A step counts by its stamp in the files. An unknown (NaN) cell can be SET, and is otherwise left unknown.
 */
export function applyChanges(given: Panel, changes: readonly Change[]): Applied {
  const faults = checkChanges(given, changes);
  if (faults.length > 0) return { kind: "faults", faults };
  const effects: Effect[] = [];
  const warnings: string[] = [];
  const copied = new Set<string>();
  let panel = given;
  for (const [at, change] of changes.entries()) {
    const scope = scopeOf(panel, change);
    const target = openTarget(panel, change, scope, copied);
    if (target === undefined) continue;
    ({ panel } = target);
    const tally = changeCells(given, target, change, scope);
    effects.push({ change, cells: tally.cells, series: tally.series });
    warnings.push(...warningsOf(given, `Change ${at + 1} (${change.attribute})`, tally));
  }
  return { kind: "applied", panel, effects, warnings };
}
