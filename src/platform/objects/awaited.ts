// Awaited: which keys the modules wait for, as data; and what was probably meant by a key that nobody waits for.
//
// Owns: patterns of keys, the hint. Does not own: which patterns there are (each module declares its own), what a stored object starts.
//   A1. Subscriptions take their prefix from the same pattern that hints are made of: there is no second list to fall behind.
//   A2. A key that fits a pattern exactly has no hint. Upper and lower case are told apart, as the store does.

import { editDistance, nearest } from "../similar.ts";

/** A part of a key that may be one of many texts. */
export interface Hole {
  /** What stands there when it is not known: `<group>`. */
  readonly name: string;
  readonly fits: RegExp;
  /** Makes a text that fits of one that nearly does. */
  readonly repair?: (text: string) => string;
}

/** Keys that something waits for. */
export interface KeyPattern {
  /** `forecast/train/.../{group}.{ending}`: words, holes, and `...` for any folders. */
  readonly keys: string;
  readonly holes?: Readonly<Record<string, Hole>>;
  /** What may follow a dot of the name, the usual ones first. An empty one is a name without an ending. */
  readonly endings?: readonly string[];
  /** Endings count in any case. Default false. */
  readonly anyCase?: boolean;
  /** False: nothing starts by itself, but a command reads it when it is asked. Default true. */
  readonly starts?: boolean;
}

/** How keys of a pattern begin. */
export function prefixOf(pattern: KeyPattern): string {
  return pattern.keys.split(/\.\.\.|\{/)[0] ?? "";
}

/** A key put right, and how far the one that came is from it (0: it fits). */
interface Repair {
  readonly cost: number;
  /** From the end to the beginning. */
  readonly parts: readonly string[];
  /** How many words of the pattern were met. */
  readonly met: number;
}

const never: Repair = { cost: Infinity, parts: [], met: 0 };
const wrongCase = 0.5;
const absentFolder = 1.5;
const absentHole = 2;
const furtherFolder = 2;
const unfit = 2;
const wrongEnding = 1.5;
/** Two folders that are one text of the pattern: 2026/10 for 2026-10. */
const twoInOne = 1;
/** Letters that two words have in common at their beginning, from which on one is taken for the other: labels, labelled. */
const commonLetters = 4;
const sameBeginning = 1.4;
const nameMet = 6;
/** Two folders are missing and the ending is wrong. */
const mostCost = 4.5;

function matchWord(word: string, text: string): number {
  if (word === text) return 0;
  if (word.toLowerCase() === text.toLowerCase()) return wrongCase;
  const [a, b] = [text.toLowerCase(), word.toLowerCase()];
  if (nearest(text, [word]) !== undefined) return editDistance(a, b);
  // What was left out of a name with several words, or added to a word.
  if (word.includes("-") && b.endsWith(`-${a}`)) return sameBeginning;
  let common = 0;
  while (common < Math.min(a.length, b.length) && a[common] === b[common]) common += 1;
  const rest = Math.max(a.length, b.length) - common;
  return common >= commonLetters && rest <= common && !word.includes(".") ? sameBeginning : Infinity;
}

function fillHole(hole: Hole | undefined, text: string): { readonly cost: number; readonly text: string } {
  if (hole === undefined || hole.fits.test(text)) return { cost: text === "" ? unfit : 0, text };
  const repaired = hole.repair?.(text);
  return repaired !== undefined && hole.fits.test(repaired) ? { cost: wrongCase, text: repaired } : { cost: unfit, text: `<${hole.name}>` };
}

function holeOf(pattern: KeyPattern, part: string): Hole | undefined {
  return pattern.holes?.[part.slice(1, -1)];
}

/** The name at the end of a key: a word, a hole, or a hole with an ending. */
function matchName(pattern: KeyPattern, part: string, text: string): Repair {
  if (!part.startsWith("{")) {
    const cost = matchWord(part, text);
    // A name of its own, written right, says more than any folder.
    return cost === Infinity ? never : { cost, parts: [part], met: cost === 0 ? nameMet : 1 };
  }
  const hole = holeOf(pattern, part.split(".")[0] ?? "");
  const { endings } = pattern;
  if (endings === undefined) {
    const { cost, text: filled } = fillHole(hole, text);
    return { cost, parts: [filled], met: 0 };
  }
  const splits = [
    [text, ""] as const,
    ...[...text.matchAll(/\./g)].map(({ index }) => [text.slice(0, index), text.slice(index + 1)] as const),
  ];
  for (const [stem, ending] of splits) {
    const same = pattern.anyCase === true ? ending.toLowerCase() : ending;
    if (endings.includes(same) && !(same === "" && stem.includes(".")) && fillHole(hole, stem).cost === 0)
      return { cost: 0, parts: [text], met: 0 };
  }
  const [stem, ending] = splits[1] ?? [text, ""];
  const filled = fillHole(hole, stem);
  if (endings.includes(ending)) return { cost: filled.cost, parts: [joined(filled.text, ending)], met: 0 };
  const lower = ending.toLowerCase();
  const named = endings.filter((each) => each !== "");
  const close = nearest(lower, named);
  // A word that is none of the endings' own (`target.csv`) is left out.
  const last = named.find((each) => lower.endsWith(`.${each}`));
  const byLetters = named.toSorted((a, b) => editDistance(lower, a) - editDistance(lower, b) || named.indexOf(a) - named.indexOf(b));
  const right = close ?? last ?? byLetters[0] ?? "";
  return { cost: filled.cost + (right === lower ? wrongCase : wrongEnding), parts: [joined(filled.text, right)], met: 0 };
}

const joined = (stem: string, ending: string): string => (ending === "" ? stem : `${stem}.${ending}`);

/** The cheapest way to make `texts` (folders, then the name) fit the parts of a pattern. */
function repair(pattern: KeyPattern, parts: readonly string[], texts: readonly string[]): Repair {
  const known = new Map<string, Repair>();
  const at = (p: number, t: number): Repair => {
    const id = `${p} ${t}`;
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = ways(p, t).reduce((best, way) => (way.cost < best.cost ? way : best), never);
    known.set(id, found);
    return found;
  };
  const after = (rest: Repair, cost: number, part: readonly string[], met = 0): Repair => ({
    cost: rest.cost + cost,
    parts: [...rest.parts, ...part],
    met: rest.met + met,
  });
  const ways = (p: number, t: number): Repair[] => {
    const part = parts[p];
    const text = texts[t];
    if (part === undefined || text === undefined) return [never];
    const isLastPart = p === parts.length - 1;
    const isLastText = t === texts.length - 1;
    if (isLastPart) return isLastText ? [matchName(pattern, part, text)] : [after(at(p, t + 1), furtherFolder, [])];
    if (part === "...") return [at(p + 1, t), ...(isLastText ? [] : [after(at(p, t + 1), 0, [text])])];
    const isHole = part.startsWith("{");
    const hole = isHole ? holeOf(pattern, part) : undefined;
    const absent = after(at(p + 1, t), isHole ? absentHole : absentFolder, [isHole ? `<${hole?.name ?? part}>` : part]);
    if (isLastText) return [absent];
    const filled = isHole ? fillHole(hole, text) : { cost: matchWord(part, text), text: part };
    const next = texts[t + 1] ?? "";
    const joint = isHole && t + 1 < texts.length - 1 && hole?.fits.test(`${text}-${next}`) === true;
    const both = joint ? [after(at(p + 1, t + 2), twoInOne, [`${text}-${next}`])] : [];
    return [absent, ...both, after(at(p + 1, t + 1), filled.cost, [filled.text], isHole ? 0 : 1), after(at(p, t + 1), furtherFolder, [])];
  };
  return at(0, 0);
}

/** For the choice between patterns: each word that was met speaks for the pattern. */
const farOf = ({ cost, met }: Repair): number => cost - 1.1 * met;

/** Whether a key fits one of the patterns. */
export function isAwaited(patterns: readonly KeyPattern[], key: string): boolean {
  return patterns.some((pattern) => repair(pattern, pattern.keys.split("/"), key.split("/")).cost === 0);
}

/**
 * What to tell whoever stored an object that nothing waits for, with the key that was probably meant; undefined when something does.
 *
 * @example
 * hintOf(patterns, "train/shop.csv"); // "nothing waits for such a key; did you mean forecast/train/shop.csv?"
 */
export function hintOf(patterns: readonly KeyPattern[], key: string): string | undefined {
  if (isAwaited(patterns, key)) return undefined;
  // Folders as Windows writes them, and folders without a name.
  const texts = key.split(/[/\\]/).filter((text, at, all) => text !== "" || at === all.length - 1);
  // Nobody means a pattern of which nothing was met, unless the folders are what was left out: of one that starts something.
  const near = patterns
    .map((pattern) => ({ ...repair(pattern, pattern.keys.split("/"), texts), starts: pattern.starts ?? true }))
    .filter(({ cost, met, starts }) => cost <= mostCost && (met > 0 || (texts.length === 1 && starts)))
    .toSorted((a, b) => farOf(a) - farOf(b));
  const meant = near.filter((each) => farOf(each) - farOf(near[0] ?? never) < wrongCase).map(({ parts }) => parts.toReversed().join("/"));
  const choice = [...new Set(meant)].slice(0, 3);
  return choice.length === 0 ? "nothing waits for such a key" : `nothing waits for such a key; did you mean ${choice.join(" or ")}?`;
}
