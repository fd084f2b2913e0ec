// mutex: lets one pass at a time, in order of arrival.

export interface Mutex {
  /** Waits for its turn; the function given back lets the next one pass, and may be called again without harm. Throws the signal's reason. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Makes a mutex that is free. */
export function makeMutex(): Mutex {
  let last: Promise<void> = Promise.resolve();
  return {
    enter: async (signal) => {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = before.then(() => promise);
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = (): void => reject(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        await Promise.race([before, aborted]);
      } catch (thrown) {
        resolve();
        throw thrown;
      } finally {
        signal.removeEventListener("abort", onAbort);
        aborted.catch(() => undefined);
      }
      return resolve;
    },
  };
}
