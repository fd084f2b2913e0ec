// Counts of runs for the list's facets and its bars over time: sums of what `GET /api/runs/counts` answers.

export interface RunCount {
  readonly at: string;
  readonly workflow: string;
  readonly state: string;
  readonly count: number;
}

export interface Facet {
  readonly value: string;
  readonly count: number;
}

/** How many of each value there are, the most first. */
export function facetOf(counts: readonly RunCount[], by: "state" | "workflow"): readonly Facet[] {
  const sums = new Map<string, number>();
  for (const row of counts) sums.set(row[by], (sums.get(row[by]) ?? 0) + row.count);
  return [...sums].map(([value, count]) => ({ value, count })).toSorted((a, b) => b.count - a.count || a.value.localeCompare(b.value));
}

/** Only those that have what is chosen; "" chooses all. */
export const countsWith = (
  counts: readonly RunCount[],
  chosen: { readonly state?: string; readonly workflow?: string },
): readonly RunCount[] =>
  counts.filter(({ state, workflow }) => ["", state].includes(chosen.state ?? "") && ["", workflow].includes(chosen.workflow ?? ""));

const endedBadly: ReadonlySet<string> = new Set(["failed", "dead"]);

export const stretchMs = { hour: 3_600_000, day: 86_400_000 } as const;

export interface OverTime {
  /** Where each stretch begins, without a gap between them. */
  readonly at: readonly number[];
  readonly all: readonly number[];
  readonly bad: readonly number[];
}

/** A figure for every stretch since `since`, those without a run included. */
export function overTime(counts: readonly RunCount[], by: "hour" | "day", since: string, now: number): OverTime {
  const step = stretchMs[by];
  const first = Math.floor(Date.parse(since) / step) * step;
  const length = Math.max(1, Math.floor(now / step) - first / step + 1);
  const all = Array.from({ length }, () => 0);
  const bad = Array.from({ length }, () => 0);
  for (const { at, state, count } of counts) {
    const place = Math.round((Date.parse(at) - first) / step);
    if (place < 0 || place >= length) continue;
    all[place] = (all[place] ?? 0) + count;
    if (endedBadly.has(state)) bad[place] = (bad[place] ?? 0) + count;
  }
  return { at: all.map((_, place) => first + place * step), all, bad };
}

/** The whole hours or days of the bars that a stretch of the chart touches. A bar stands around the moment at which its hour or day begins. */
export function stretchOf(fromMs: number, untilMs: number, by: "hour" | "day"): { readonly since: string; readonly until: string } {
  const step = stretchMs[by];
  const begin = (ms: number): number => Math.round(ms / step) * step;
  return { since: new Date(begin(fromMs)).toISOString(), until: new Date(begin(untilMs) + step).toISOString() };
}
