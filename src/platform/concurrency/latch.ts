// Gate: open or shut; those who come while it is shut wait.

export interface Latch {
  readonly isOpen: boolean;
  open(): void;
  shut(): void;
  /** Resolves when the gate is open. Throws the signal's reason when that aborts first. */
  pass(signal: AbortSignal): Promise<void>;
}

/** Makes a gate that is shut. */
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
