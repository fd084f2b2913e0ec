// Marks of a time axis, as people of any country read them.

const dayS = 86_400;
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * Marks of a time axis, seconds since 1970 and `step` seconds apart: hours, days, months or years, in UTC. The larger part stands below the first mark
 * and wherever it changes: days under hours, years under days and months.
 */
export function timeMarks(places: readonly number[], step: number): string[] {
  const parts = places.map((seconds) => {
    const at = new Date(seconds * 1_000);
    const [year, month, day] = [String(at.getUTCFullYear()), months[at.getUTCMonth()] ?? "", String(at.getUTCDate())];
    if (step >= 364 * dayS) return [year, ""] as const;
    if (step >= 28 * dayS) return [month, year] as const;
    return step >= dayS ? ([`${day} ${month}`, year] as const) : ([at.toISOString().slice(11, 16), `${day} ${month}`] as const);
  });
  return parts.map(([near, far], i) => (far === "" || far === parts[i - 1]?.[1] ? near : `${near}\n${far}`));
}
