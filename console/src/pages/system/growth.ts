// What the store held at the end of each day: today's bytes less what came since.

const dayMs = 86_400_000;

export interface Grown {
  readonly at: readonly number[];
  readonly bytes: readonly number[];
}

/** Of each day from `since` to now. What was removed meanwhile counts as if it had never come. */
export function cumulated(
  since: string,
  nowMs: number,
  days: readonly { readonly day: string; readonly bytes: number }[],
  zones: readonly { readonly bytes: number }[],
): Grown {
  const came = new Map<string, number>();
  for (const { day, bytes } of days) came.set(day, (came.get(day) ?? 0) + bytes);
  const first = Date.parse(since);
  const count = Math.max(1, Math.floor((nowMs - first) / dayMs) + 1);
  const at = Array.from({ length: count }, (_, place) => first + place * dayMs);
  const held = zones.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = held - [...came.values()].reduce((sum, bytes) => sum + bytes, 0);
  const bytes = at.map((ms) => (before += came.get(new Date(ms).toISOString().slice(0, 10)) ?? 0));
  return { at, bytes };
}
