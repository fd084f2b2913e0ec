// Levels of quantiles.

/** Index of the level nearest to the middle, the lower of two; -1 where there is none. */
export function middleOfLevels(levels: readonly number[]): number {
  let nearest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [i, level] of levels.entries()) {
    const distance = Math.abs(level - 0.5);
    if (distance < least) [nearest, least] = [i, distance];
  }
  return nearest;
}
