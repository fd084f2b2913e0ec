// Similar: the known name that a mistyped one probably meant.

/**
 * The fewest letters to change, add, leave out, or swap with their neighbour, to make one text of the other
 * (optimal string alignment: no letter is touched twice).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [before, above] = [above, row];
  }
  return above[b.length] ?? 0;
}

export interface NearestOptions {
  /** The most letters that may differ, by the length of what was typed and of the known name; default: a third of the known name, at least one. */
  readonly most?: (typed: number, known: number) => number;
  /** A beginning of three letters or more is as near as one slip; default false. */
  readonly beginnings?: boolean;
  /** At most so many; default one. */
  readonly limit?: number;
}

const third = (_typed: number, known: number): number => Math.max(1, Math.floor(known / 3));

/**
 * The known names nearest to a mistyped one, nearest first; of equals the one that was named first. Letters of either case are alike.
 */
export function nearestAll(
  typed: string,
  known: readonly string[],
  { most = third, limit = 1, beginnings = false }: NearestOptions = {},
): readonly string[] {
  const lower = typed.toLowerCase();
  return known
    .map((name) => {
      const far = editDistance(lower, name.toLowerCase());
      const begins = beginnings && lower.length > 2 && name.toLowerCase().startsWith(lower);
      return { name, far: begins ? Math.min(far, 0.5) : far, isNear: begins || far <= most(typed.length, name.length) };
    })
    .filter(({ isNear }) => isNear)
    .toSorted((a, b) => a.far - b.far)
    .slice(0, limit)
    .map(({ name }) => name);
}

/** The nearest known name, if one is near enough to be meant. */
export const nearest = (typed: string, known: readonly string[], options: NearestOptions = {}): string | undefined =>
  nearestAll(typed, known, { ...options, limit: 1 })[0];

/** " Did you mean X?" to follow a sentence, or nothing. */
export function didYouMean(typed: string, known: readonly string[], options: NearestOptions = {}): string {
  const near = nearest(typed, known, options);
  return near === undefined ? "" : ` Did you mean ${near}?`;
}
