// Latch: open or shut; those who come while it is shut wait.
//
//   concurrency.L1. Whoever waits passes once it is open; shut again before they ran, it keeps them waiting.
//   concurrency.L2. Whoever waits can leave: its signal aborts.

/** Safe to pass any number of times at once. */
export interface Latch {
  readonly isOpen: boolean;
  open(): void;
  shut(): void;
  /** Resolves while the latch is open. Throws the signal's reason when that aborts first. */
  pass(signal: AbortSignal): Promise<void>;
}

/** Makes a latch that is shut. */
export function makeLatch(): Latch {
  let isOpen = false;
  let opening = Promise.withResolvers<void>();
  return {
    get isOpen() {
      return isOpen;
    },
    open: () => {
      isOpen = true;
      opening.resolve();
    },
    shut: () => {
      if (!isOpen) return;
      isOpen = false;
      opening = Promise.withResolvers<void>();
    },
    pass: async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        if (isOpen) return;
        const aborted = Promise.withResolvers<never>();
        const onAbort = (): void => aborted.reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        try {
          await Promise.race([opening.promise, aborted.promise]);
        } finally {
          signal.removeEventListener("abort", onAbort);
        }
      }
    },
  };
}
