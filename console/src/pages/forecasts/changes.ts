// Arithmetic of what-if: sliders as a line of changes, and what lies beyond what was seen. No component.

import type { AnswerOf } from "../../data/client.ts";
import { saidValue } from "./node.ts";

export type Known = AnswerOf<"GET /api/forecast/runs/:id/curve">["related"][number];

/** A number of 0 and 1 is switched; any other is moved by percent. */
export const isSwitch = ({ seen }: Pick<Known, "seen">, values: readonly (number | null)[]): boolean =>
  seen !== null && seen.low >= 0 && seen.high <= 1 && values.every((value) => value === null || (value >= 0 && value <= 1));

/** By name: percent of change, or `on` and `off`. */
export type Moves = Readonly<Record<string, string>>;

/** `price:-10;promotion:on`; names percent-encoded. */
export const printMoves = (moves: Moves): string =>
  Object.entries(moves)
    .filter(([, move]) => move !== "" && move !== "0")
    .map(([name, move]) => `${encodeURIComponent(name)}:${move}`)
    .join(";");

export function parseMoves(text: string): Moves {
  return Object.fromEntries(
    text.split(";").flatMap((part): [string, string][] => {
      const [name = "", move = ""] = part.split(":");
      if (name === "" || move === "" || !(move === "on" || move === "off" || Number.isFinite(Number(move)))) return [];
      try {
        return [[decodeURIComponent(name), move]];
      } catch {
        return [];
      }
    }),
  );
}

/**
 * The line of changes that the server reads; empty where nothing is moved.
 *
 * @example
 * sayChanges({ price: "-10", promotion: "on" }, "category = tea"); // "price *= 0.9 where category = tea; promotion = 1 where category = tea"
 */
export function sayChanges(moves: Moves, where: string): string {
  const tail = where === "" ? "" : ` where ${where}`;
  return Object.entries(moves)
    .flatMap(([name, move]) => {
      if (move === "on" || move === "off") return [`${saidName(name)} = ${move === "on" ? 1 : 0}${tail}`];
      const percent = Number(move);
      return move === "" || percent === 0 ? [] : [`${saidName(name)} *= ${Number((1 + percent / 100).toFixed(6))}${tail}`];
    })
    .join("; ");
}

/** Names have letters, digits, dots and underscores, or stand in quotes. */
const saidName = (name: string): string => (/^[\p{L}_][\p{L}\p{N}_.]*$/u.test(name) ? name : saidValue(`${name} `).replace(/ "$/, '"'));

/** Why a move leaves what was seen; undefined where it does not. `ahead`: the planned values of the horizon. */
export function beyondSeen(
  { name, seen }: Pick<Known, "name" | "seen">,
  ahead: readonly (number | null)[],
  move: string,
): string | undefined {
  const percent = Number(move);
  if (seen === null || !Number.isFinite(percent) || percent === 0) return undefined;
  const moved = ahead.flatMap((value) => (value === null ? [] : [value * (1 + percent / 100)]));
  if (moved.every((value) => value >= seen.low && value <= seen.high)) return undefined;
  const round = (value: number): string => String(Number(value.toPrecision(4)));
  return `${name} would be ${round(Math.min(...moved))} to ${round(Math.max(...moved))} on average; seen was ${round(seen.low)} to ${round(seen.high)}. Beyond that the models guess.`;
}
