// Bounded: one piece of work for every item of a list, some at a time.
//
//   concurrency.B1. Never more than `most` are under way; items are taken in the order of the list.
//   concurrency.B2. After a failure nothing more is begun, and what is under way ends before the error is told: nobody cleans up under one that still writes.

/** Does `work` for every item, at most `most` at once. Throws the failure of the earliest worker, or the signal's reason before the next item. */
export async function eachBounded<Item>(
  items: readonly Item[],
  most: number,
  work: (item: Item, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const queue = items.entries();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      signal?.throwIfAborted();
      try {
        await work(item, index);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
      if (failed) return;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(items.length, most) }, lane));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
