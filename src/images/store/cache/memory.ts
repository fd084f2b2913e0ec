// Memory: the least recently used values, bounded by the sum of their weights. Used by one thread; every operation takes constant time.

/** A map that forgets what was not used for longest once its weight passes the bound. */
export interface Lru<Value> {
  get(key: string): Value | undefined;
  /** Puts a value; one heavier than the whole bound is not kept. */
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
  /** Sum of the weights. */
  readonly weight: number;
}

/** Makes one. `weightOf` is asked once a value and must stay true for it. */
export function makeLru<Value>(
  maxWeight: number,
  weightOf: (value: Value, key: string) => number,
  dropped?: (key: string) => void,
): Lru<Value> {
  // A Map remembers the order of insertion: the first key is the oldest as long as every use inserts anew.
  const entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  let total = 0;
  const remove = (key: string): void => {
    const old = entries.get(key);
    if (old === undefined) return;
    entries.delete(key);
    total -= old.weight;
  };
  return {
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found.value;
    },
    set(key, value) {
      remove(key);
      const weight = weightOf(value, key);
      if (weight > maxWeight) return;
      entries.set(key, { value, weight });
      total += weight;
      for (const [oldest] of entries) {
        if (total <= maxWeight) break;
        remove(oldest);
        dropped?.(oldest);
      }
    },
    delete: remove,
    clear() {
      entries.clear();
      total = 0;
    },
    get size() {
      return entries.size;
    },
    get weight() {
      return total;
    },
  };
}
