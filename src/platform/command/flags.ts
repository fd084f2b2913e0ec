// Flags: declarations that many commands share, and readers from the text of one flag to an exact value.
//
//   F1. One idiom: "Expected FLAG to be X but received Y. Correct it.", `input` `USAGE`.
//   F2. `flag` stands in errors as a person types it: `--limit`, `STATE`.

import { availableParallelism } from "node:os";
import { z } from "zod";
import { StockroomError } from "../errors.ts";

export const jsonFlag = { type: "boolean", description: "Print JSON", default: false } as const;
export const waitFlag = { type: "boolean", description: "Stay until the run has ended", default: false } as const;
export const watchFlag = { type: "boolean", description: "Look again every two seconds, until Ctrl-C", default: false } as const;
export const limitFlag = { type: "string", description: "At most so many", valueHint: "n", default: "100" } as const;

/** The one way in which a wrong flag is told. */
export function usage(flag: string, expected: string, received: string): StockroomError {
  return new StockroomError("input", "USAGE", `Expected ${flag} to be ${expected} but received "${received}". Correct it.`);
}

/** A whole number from `min` to `max`. */
export function readWhole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw usage(flag, `a whole number from ${min} to ${max}`, text);
}

/** How large a number may be; `above` and `below` leave the bound itself out. */
export interface NumberBounds {
  readonly least?: number;
  readonly most?: number;
  readonly above?: number;
  readonly below?: number;
}

/** A finite number as people type it, within bounds. */
export function readNumber(flag: string, text: string, bounds: NumberBounds = {}): number {
  const { least = -Infinity, most = Infinity, above = -Infinity, below = Infinity } = bounds;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= least && value <= most && value > above && value < below) return value;
  const words = [
    ...(bounds.least === undefined ? [] : [`of at least ${least}`]),
    ...(bounds.above === undefined ? [] : [`above ${above}`]),
    ...(bounds.most === undefined ? [] : [`at most ${most}`]),
    ...(bounds.below === undefined ? [] : [`below ${below}`]),
  ];
  throw usage(flag, words.length === 0 ? "a number" : `a number ${words.join(" and ")}`, text);
}

/** A share from 0 to 1, both included. */
export function readShare(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw usage(flag, "a share from 0 to 1", text);
}

/** How many threads to use; absent: as many as there are processors. */
export const readThreads = (text: string | undefined): number =>
  text === undefined ? availableParallelism() : readWhole("--threads", text, 1, 256);

const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** A day (its beginning in UTC) or an instant with its offset, ISO. */
export function readInstant(flag: string, text: string): string {
  if (instant.safeParse(text).success) return text;
  throw usage(flag, "a day or an instant, as 2026-03-01 or 2026-03-01T08:00:00Z", text);
}

/** One of `choices`. */
export function readChoice<Choice extends string>(flag: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw usage(flag, choices.join(" or "), text);
}

/** `a,b,c` to names; "" and nothing to none. */
export function readNames(text: string | undefined, separator = ","): readonly string[] {
  return (text ?? "")
    .split(separator)
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** `name=value` pairs of a flag that may be given again; the last of a name stands. */
export function readPairs(flag: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at <= 0) throw usage(flag, "NAME=VALUE", text);
      return [text.slice(0, at), text.slice(at + 1)] as const;
    }),
  );
}

/** All values of a flag that may be given again and again; `args` holds only the last. */
export function repeated(rawArgs: readonly string[], name: string): readonly string[] {
  const flag = `--${name}`;
  return rawArgs.flatMap((word, at) => {
    if (word.startsWith(`${flag}=`)) return [word.slice(flag.length + 1)];
    const next = rawArgs[at + 1];
    return word === flag && next !== undefined ? [next] : [];
  });
}

/** A word as a shell takes it. */
export const shellWord = (text: string): string => (/^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);
