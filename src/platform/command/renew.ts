// Renew: a command line in the words that commands have now, where it uses those they had.

import type { ArgsDef } from "citty";
import type { FormerWords } from "./contract.ts";

export interface Renewed {
  readonly argv: readonly string[];
  /** What was used and what it is called now; undefined: nothing was. */
  readonly former: FormerWords | undefined;
}

/** Puts today's words in the place of former ones. `everywhere`: flags that may stand before a command. */
export function renewWords(argv: readonly string[], former: readonly FormerWords[], everywhere: ArgsDef): Renewed {
  const places = placesOf(argv, everywhere);
  const words = places.map((place) => argv[place] ?? "");
  for (const one of former) {
    const old = one.old.split(" ");
    const next = words[old.length];
    if (!old.every((word, at) => words[at] === word)) continue;
    if (one.unlessBefore !== undefined && (next === undefined || one.unlessBefore.includes(next))) continue;
    const [first = 0, ...others] = places.slice(0, old.length);
    const dropped = new Set(others);
    return {
      argv: argv.flatMap((word, at) => (at === first ? one.now.split(" ") : dropped.has(at) ? [] : [word])),
      former: one,
    };
  }
  return { argv, former: undefined };
}

const mostWords = 4;

/** Where the words of the command stand: before any option of its own. */
function placesOf(argv: readonly string[], everywhere: ArgsDef): readonly number[] {
  const places: number[] = [];
  for (let at = 0; at < argv.length && places.length < mostWords; at++) {
    const word = argv[at] ?? "";
    if (!word.startsWith("-")) {
      places.push(at);
      continue;
    }
    const name = word.replace(/^-+/, "").replace(/=.*$/s, "");
    const def = Object.entries(everywhere).find(
      ([each]) => each === name || each.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) === name,
    )?.[1];
    if (def === undefined) break;
    if (def.type !== "boolean" && !word.includes("=")) at += 1;
  }
  return places;
}
