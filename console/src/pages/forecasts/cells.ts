// Arithmetic of the grid: a selection of cells, and the adjustments it stands for. No component.

import type { AnswerOf, CallOf } from "../../data/client.ts";
import { itemAxis, saidValue } from "./node.ts";

type Cells = Pick<AnswerOf<"GET /api/forecast/runs/:id/cells">, "idColumns" | "instants" | "rows">;
export type Word = CallOf<"POST /api/forecast/adjustments/preview">["body"]["words"][number];
export type Kind = Word["kind"];

/** A rectangle of cells, ends included; the first pair is where it began. */
export interface Selection {
  readonly fromRow: number;
  readonly fromStep: number;
  readonly toRow: number;
  readonly toStep: number;
}

/** `2.0-4.3`: row and step where it began, row and step where it ends. */
export const printSelection = ({ fromRow, fromStep, toRow, toStep }: Selection): string => `${fromRow}.${fromStep}-${toRow}.${toStep}`;

/** Undefined for what is no selection within so many rows and steps. */
export function parseSelection(text: string, rows: number, steps: number): Selection | undefined {
  const found = /^(\d+)\.(\d+)-(\d+)\.(\d+)$/.exec(text);
  if (found === null) return undefined;
  const [fromRow = 0, fromStep = 0, toRow = 0, toStep = 0] = found.slice(1).map(Number);
  return Math.max(fromRow, toRow) < rows && Math.max(fromStep, toStep) < steps ? { fromRow, fromStep, toRow, toStep } : undefined;
}

/** The same with its low ends first. */
export function ordered({ fromRow, fromStep, toRow, toStep }: Selection): Selection {
  return {
    fromRow: Math.min(fromRow, toRow),
    toRow: Math.max(fromRow, toRow),
    fromStep: Math.min(fromStep, toStep),
    toStep: Math.max(fromStep, toStep),
  };
}

export function isSelected(selection: Selection | undefined, row: number, step: number): boolean {
  if (selection === undefined) return false;
  const { fromRow, toRow, fromStep, toStep } = ordered(selection);
  return row >= fromRow && row <= toRow && step >= fromStep && step <= toStep;
}

const moves: Readonly<Record<string, readonly [row: number, step: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
  PageUp: [-10, 0],
  PageDown: [10, 0],
};

/** The selection after a key: an arrow moves it, with Shift its end alone. Undefined: the key means nothing here. */
export function afterKey(selection: Selection, key: string, isExtending: boolean, rows: number, steps: number): Selection | undefined {
  const move = moves[key];
  if (move === undefined) return undefined;
  const within = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value));
  const [toRow, toStep] = [within(selection.toRow + move[0], rows), within(selection.toStep + move[1], steps)];
  return isExtending ? { ...selection, toRow, toStep } : { fromRow: toRow, fromStep: toStep, toRow, toStep };
}

/** Of the server's 4,000 characters. */
const mostWhere = 3_500;

/**
 * The adjustments of a selection: one for all series that differ in their item alone, more where their list grows too long.
 *
 * @example
 * wordsOf(cells, selection, { kind: "percent", value: 10 }); // [{ where: "item_id in (a, b) and store = oslo", from, to, ... }]
 */
export function wordsOf({ idColumns, instants, rows }: Cells, selection: Selection, what: Pick<Word, "kind" | "value">): readonly Word[] {
  const { fromRow, toRow, fromStep, toStep } = ordered(selection);
  const [from, to] = [instants[fromStep] ?? "", instants[toStep] ?? ""];
  const groups = new Map<string, { readonly dimensions: readonly string[]; readonly items: string[] }>();
  for (const { ids } of rows.slice(fromRow, toRow + 1)) {
    const [item = "", ...dimensions] = ids;
    const key = JSON.stringify(dimensions);
    const group = groups.get(key) ?? { dimensions, items: [] };
    group.items.push(item);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ dimensions, items }) => {
    const rest = dimensions.map((level, at) => ` and ${saidValue(idColumns[at + 1] ?? itemAxis)} = ${saidValue(level)}`).join("");
    return chunksOf(items.map(saidValue), mostWhere - rest.length).map((some) => ({
      ...what,
      where: `item_id ${some.length === 1 ? `= ${some[0] ?? ""}` : `in (${some.join(", ")})`}${rest}`,
      from,
      to,
    }));
  });
}

/** Values in lists that are no longer than so many characters. */
function chunksOf(values: readonly string[], most: number): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let length = most + 1;
  for (const value of values) {
    if (length + value.length + 2 > most) {
      chunks.push([]);
      length = 16;
    }
    chunks.at(-1)?.push(value);
    length += value.length + 2;
  }
  return chunks;
}
