// Drift: whether what comes in, and how sure the model is, still looks like what it was trained on.
//
// Owns: the profile of a set of items (words, categories, numbers, lengths, gaps, confidences, codes), the distance of two profiles, its levels.
// Does not own: when profiles are taken (flow), what an alarm does (notify).
//   F1. The distance is the population stability index, PSI = sum over cells of (now - then) * ln(now / then), of shares with half an item added to each cell.
//   F2. Two samples of the same items have a PSI of about (cells - 1) * (1/n + 1/m) by chance alone. That much is taken off, and a PSI within the
//       99.9 % range of chance is `ok` however large: a small month raises no alarm by being small.
//   F3. Levels by the PSI that is left: below `watch` (0.1) ok, below `alarm` (0.25) watch, else alarm. These are the usual bounds of credit scoring.
//   F4. Words are counted once an item, so that a chatty item is one voice. A word is named only if it stood in at least 10 items.
//   F5. A profile is plain JSON of bounded size, whatever the number of items.

import { hashText } from "../../platform/random.ts";
import type { Item } from "./dataset.ts";
import { parseNumber } from "./features.ts";

/** A distribution over cells. What the cells are depends on `kind`. */
export type Feature =
  | {
      /** Words of a text column, hashed into buckets, and the most frequent ones by name with the number of items they stood in. */
      readonly kind: "words";
      readonly name: string;
      /** Items with a word in this column. */
      readonly items: number;
      readonly cells: readonly number[];
      readonly frequent: Readonly<Record<string, number>>;
    }
  /** Values of a category column, or predicted codes; all rarer ones together under `other`. */
  | {
      readonly kind: "values";
      readonly name: string;
      readonly items: number;
      readonly values: Readonly<Record<string, number>>;
      readonly other: number;
    }
  /** A number (also a text's length, a confidence) by the edges of its bins: cell i holds edges[i-1] <= x < edges[i]. */
  | {
      readonly kind: "range";
      readonly name: string;
      readonly items: number;
      readonly edges: readonly number[];
      readonly cells: readonly number[];
    };

/** How a set of items looks; kept with the model as the reference. */
export interface Profile {
  readonly version: 1;
  readonly columns: ProfileColumns;
  readonly features: readonly Feature[];
}

export interface ProfileColumns {
  readonly texts: readonly string[];
  readonly categories: readonly string[];
  readonly numbers: readonly string[];
}

/** The columns of one item, index-aligned with `ProfileColumns`; a missing text or category is "", a missing number NaN. */
export interface ProfileItem {
  readonly texts: readonly string[];
  readonly categories: readonly string[];
  readonly numbers: readonly number[];
}

/** An item as a profile looks at it. */
export function featurize({ text, categories, numbers }: Item): ProfileItem {
  return { texts: text, categories, numbers: numbers.map((number) => parseNumber(number) ?? Number.NaN) };
}

/** Counts items one by one. 10,000 items of each period say enough: let the caller draw them by a hash of their row. */
export interface Profiler {
  addItem(item: ProfileItem): void;
  /** For the reference these come from items the model was not trained on: it is surer of those it was. */
  addPrediction(code: string, confidence: number): void;
  finish(): Profile;
}

const BUCKETS = 64;
const FREQUENT_WORDS = 300;
const FREQUENT_VALUES = 50;
const LENGTH_EDGES = [1, 4, 8, 16, 32, 64, 128, 256, 512];
const NAMED_FROM_ITEMS = 10;
const CONFIDENCE = "confidence";
const CODES = "predicted code";

/** Words as drift counts them: runs of letters and digits of any script, in lower case. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * Starts counting.
 *
 * @param like the reference: bins and values are then cut as it cut them, so that the two can be compared.
 */
export function openProfile(columns: ProfileColumns, like?: Profile): Profiler {
  const words = columns.texts.map(() => ({ items: 0, cells: new Float64Array(BUCKETS), counts: new Map<string, number>() }));
  const lengths = columns.texts.map(() => new Float64Array(LENGTH_EDGES.length + 1));
  const values = columns.categories.map(() => new Map<string, number>());
  const numbers = columns.numbers.map((): number[] => []);
  const gaps = new Float64Array(columns.texts.length + columns.categories.length + columns.numbers.length);
  const confidences: number[] = [];
  const codes = new Map<string, number>();
  let items = 0;

  const former = (name: string): Feature | undefined => like?.features.find((feature) => feature.name === name);
  const edgesOf = (name: string, numbers: readonly number[]): readonly number[] => {
    const reference = former(name);
    return reference?.kind === "range" ? reference.edges : quantileEdges(numbers);
  };
  const valuesOf = (name: string, counts: ReadonlyMap<string, number>): Feature => {
    const reference = former(name);
    const kept = reference?.kind === "values" ? Object.keys(reference.values) : mostFrequent(counts, FREQUENT_VALUES);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const named = kept.map((value): [string, number] => [value, counts.get(value) ?? 0]);
    return {
      kind: "values",
      name,
      items: total,
      values: Object.fromEntries(named),
      other: total - named.reduce((sum, [, count]) => sum + count, 0),
    };
  };

  return {
    addItem(item) {
      items += 1;
      columns.texts.forEach((_, t) => {
        const text = item.texts[t] ?? "";
        if (text === "") gaps[t] += 1;
        lengths[t][cellOf(LENGTH_EDGES, text.length)] += 1;
        const own = new Set(wordsOf(text));
        if (own.size > 0) words[t].items += 1;
        for (const word of own) {
          words[t].cells[hashText(word) % BUCKETS] += 1;
          raise(words[t].counts, word);
        }
      });
      columns.categories.forEach((_, c) => {
        const value = item.categories[c] ?? "";
        if (value === "") gaps[columns.texts.length + c] += 1;
        else raise(values[c], value);
      });
      columns.numbers.forEach((_, n) => {
        const value = item.numbers[n] ?? Number.NaN;
        if (Number.isFinite(value)) numbers[n].push(value);
        else gaps[columns.texts.length + columns.categories.length + n] += 1;
      });
    },
    addPrediction(code, confidence) {
      raise(codes, code);
      confidences.push(confidence);
    },
    finish() {
      const features: Feature[] = [];
      columns.texts.forEach((column, t) => {
        const frequent = mostFrequent(words[t].counts, FREQUENT_WORDS).filter(
          (word) => (words[t].counts.get(word) ?? 0) >= NAMED_FROM_ITEMS,
        );
        features.push(
          {
            kind: "words",
            name: `words of ${column}`,
            items: words[t].items,
            cells: [...words[t].cells],
            frequent: Object.fromEntries(frequent.map((word) => [word, words[t].counts.get(word) ?? 0])),
          },
          { kind: "range", name: `length of ${column}`, items, edges: LENGTH_EDGES, cells: [...lengths[t]] },
        );
      });
      columns.categories.forEach((column, c) => features.push(valuesOf(column, values[c])));
      columns.numbers.forEach((column, n) => features.push(rangeOf(column, edgesOf(column, numbers[n]), numbers[n])));
      [...columns.texts, ...columns.categories, ...columns.numbers].forEach((column, g) =>
        features.push({
          kind: "values",
          name: `missing ${column}`,
          items,
          values: { missing: gaps[g], present: items - gaps[g] },
          other: 0,
        }),
      );
      features.push(rangeOf(CONFIDENCE, edgesOf(CONFIDENCE, confidences), confidences), valuesOf(CODES, codes));
      return { version: 1, columns, features };
    },
  };
}

export type DriftLevel = "ok" | "watch" | "alarm";

export interface DriftBounds {
  /** Default 0.1. */
  readonly watch?: number;
  /** Default 0.25. */
  readonly alarm?: number;
}

/** One feature's distance from the reference. */
export interface FeatureDrift {
  readonly name: string;
  readonly kind: Feature["kind"];
  /** As counted. */
  readonly psi: number;
  /** What chance alone would give. */
  readonly chance: number;
  /** What is left of the PSI; the level follows from this. */
  readonly excess: number;
  readonly level: DriftLevel;
  /** The cells that moved most, with their shares (for words: of items with a text) before and now; 0..1. */
  readonly moved: readonly { readonly what: string; readonly before: number; readonly now: number }[];
}

export interface DriftReport {
  /** The worst of all features. */
  readonly level: DriftLevel;
  /** The largest excess of all features. */
  readonly psi: number;
  /** In a sentence or two, without item text: names of columns only. */
  readonly summary: string;
  /** Largest excess first. */
  readonly features: readonly FeatureDrift[];
}

/**
 * Compares a period with the reference.
 *
 * Features that only one of the two has, or that are empty in either, are left out: nothing can be said of them. `moved` may hold words of items: keep it sealed.
 */
export function compareProfiles(reference: Profile, current: Profile, bounds: DriftBounds = {}): DriftReport {
  const { watch = 0.1, alarm = 0.25 } = bounds;
  const features = reference.features
    .flatMap((then): FeatureDrift[] => {
      const now = current.features.find((feature) => feature.name === then.name && feature.kind === then.kind);
      if (now === undefined) return [];
      const cells = cellsOf(then, now);
      const n = sum(cells.map((cell) => cell.before));
      const m = sum(cells.map((cell) => cell.now));
      if (n === 0 || m === 0) return [];
      const parts = cells.map((cell) => ({ ...cell, part: partOf(cell, n, m, cells.length) }));
      const psi = sum(parts.map((cell) => cell.part));
      // Words of one item are not independent of each other: items, not words, are what was drawn.
      const noise = then.kind === "words" ? 1 / then.items + 1 / now.items : 1 / n + 1 / m;
      const chance = (cells.length - 1) * noise;
      const farthest = noise * (cells.length - 1 + 3.09 * Math.sqrt(2 * (cells.length - 1)) + 6);
      const excess = psi <= farthest ? 0 : Math.max(0, psi - chance);
      const level = excess >= alarm ? "alarm" : excess >= watch ? "watch" : "ok";
      return [
        { name: then.name, kind: then.kind, psi, chance, excess, level, moved: level === "ok" ? [] : movedOf(then, now, parts, n, m) },
      ];
    })
    .sort((a, b) => b.excess - a.excess || (a.name < b.name ? -1 : 1));
  const level = features.some((one) => one.level === "alarm") ? "alarm" : features.some((one) => one.level === "watch") ? "watch" : "ok";
  return { level, psi: features[0]?.excess ?? 0, summary: summarise(features), features };
}

function summarise(features: readonly FeatureDrift[]): string {
  if (features.length === 0) return "There is nothing to compare with the training items.";
  const loud = features.filter((one) => one.level !== "ok");
  if (loud.length === 0) return `All ${features.length} features look as they did in training.`;
  const named = loud.slice(0, 4).map((one) => `${one.name} (PSI ${one.excess.toFixed(2)}, ${one.level})`);
  const more = loud.length > named.length ? ` and ${loud.length - named.length} more` : "";
  return `${loud.length} of ${features.length} features have moved since training: ${named.join(", ")}${more}.`;
}

interface CellPair {
  readonly what: string;
  readonly before: number;
  readonly now: number;
}

/** Cells of two features of one kind, side by side. Values that neither has seen make no cell. */
function cellsOf(then: Feature, now: Feature): readonly CellPair[] {
  if (then.kind === "values" && now.kind === "values") {
    const named = Object.keys(then.values).map((what) => ({
      what,
      before: then.values[what],
      now: Object.hasOwn(now.values, what) ? now.values[what] : 0,
    }));
    // Whatever the current profile named that the reference did not is "other" to the reference.
    const strange = sum(Object.keys(now.values).map((what) => (Object.hasOwn(then.values, what) ? 0 : now.values[what])));
    const rest = { what: "other", before: then.other, now: now.other + strange };
    return [...named, rest].filter((cell) => cell.before > 0 || cell.now > 0);
  }
  if (then.kind === "range" && now.kind === "range") {
    return then.cells.map((count, i) => ({ what: rangeName(then.edges, i), before: count, now: now.cells[i] ?? 0 }));
  }
  if (then.kind === "words" && now.kind === "words") {
    return then.cells.map((count, i) => ({ what: `bucket ${i}`, before: count, now: now.cells[i] ?? 0 }));
  }
  return [];
}

/** Half an item in each cell keeps the logarithm finite and hardly moves a share. */
function partOf(cell: CellPair, n: number, m: number, cells: number): number {
  const then = (cell.before + 0.5) / (n + cells / 2);
  const now = (cell.now + 0.5) / (m + cells / 2);
  return (now - then) * Math.log(now / then);
}

function movedOf(
  then: Feature,
  now: Feature,
  parts: readonly (CellPair & { readonly part: number })[],
  n: number,
  m: number,
): FeatureDrift["moved"] {
  if (then.kind === "words" && now.kind === "words") {
    const names = new Set([...Object.keys(then.frequent), ...Object.keys(now.frequent)]);
    // A word missing from a list of the most frequent ones was at most as frequent as the last of them: that much is given to it.
    const least = (feature: typeof then): number =>
      Object.keys(feature.frequent).length < FREQUENT_WORDS ? 0 : Math.min(...Object.values(feature.frequent));
    const [leastThen, leastNow] = [least(then), least(now)];
    const share = (feature: typeof then, word: string, least: number): number =>
      (Object.hasOwn(feature.frequent, word) ? feature.frequent[word] : least) / feature.items;
    return [...names]
      .map((what) => ({ what, before: share(then, what, leastThen), now: share(now, what, leastNow) }))
      .map((word) => ({ word, part: (word.now - word.before) * Math.log((word.now + 1e-4) / (word.before + 1e-4)) }))
      .sort((a, b) => b.part - a.part || (a.word.what < b.word.what ? -1 : 1))
      .slice(0, 8)
      .map(({ word }) => word);
  }
  return parts
    .toSorted((a, b) => b.part - a.part)
    .slice(0, 5)
    .map((cell) => ({ what: cell.what, before: cell.before / n, now: cell.now / m }));
}

function rangeOf(name: string, edges: readonly number[], numbers: readonly number[]): Feature {
  const cells = Array<number>(edges.length + 1).fill(0);
  for (const number of numbers) cells[cellOf(edges, number)] += 1;
  return { kind: "range", name, items: numbers.length, edges, cells };
}

/** Nine edges that cut the numbers into tenths; fewer where many numbers are equal. */
function quantileEdges(numbers: readonly number[]): readonly number[] {
  const sorted = Float64Array.from(numbers).sort();
  const edges = new Set<number>();
  for (let tenth = 1; tenth < 10 && sorted.length > 0; tenth++) {
    const edge = sorted[Math.floor((tenth * sorted.length) / 10)];
    if (edge > sorted[0]) edges.add(edge);
  }
  return [...edges];
}

/** The number of edges at or below `value`. */
function cellOf(edges: readonly number[], value: number): number {
  let cell = 0;
  while (cell < edges.length && edges[cell] <= value) cell += 1;
  return cell;
}

function rangeName(edges: readonly number[], cell: number): string {
  if (edges.length === 0) return "any";
  if (cell === 0) return `below ${show(edges[0])}`;
  return cell === edges.length ? `${show(edges[cell - 1])} or more` : `${show(edges[cell - 1])} to ${show(edges[cell])}`;
}

const show = (edge: number): string => String(Number(edge.toPrecision(4)));

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The most frequent keys; of equally frequent ones the first by name, so that the order of items does not matter. */
function mostFrequent(counts: ReadonlyMap<string, number>, most: number): readonly string[] {
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([key]) => key);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
