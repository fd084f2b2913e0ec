// Single-call: work that many ask for at once and that is done once.
//
// Owns: who shares which work, its deadline, giving it up. Does not own: keeping the result; the next who asks after the end starts anew.
//   concurrency.F1. While work under a key is under way, whoever asks for the key joins it.
//   concurrency.F2. A caller who leaves hurts nobody; when the last one has left, the signal of the work aborts, and nobody joins it any more.
//   concurrency.F3. With a deadline, every caller is answered within it, whatever the work does with its signal.

/** Safe to join any number of times at once. */
export interface SingleFlight<Value> {
  /** Joins the work under `key`, or starts it. `joined` tells which. Without a signal the caller never leaves. */
  join(
    key: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Value>,
  ): { readonly joined: boolean; readonly value: Promise<Value> };
  /** Pieces of work under way. */
  readonly size: number;
  /** Aborts what is under way with `reason` and waits for it. */
  close(reason: Error): Promise<void>;
}

export interface SingleFlightOptions {
  /** Absent: work may take as long as it likes. */
  readonly deadline?: { readonly ms: number; readonly error: () => Error };
}

interface Call<Value> {
  readonly value: Promise<Value>;
  readonly abort: AbortController;
  callers: number;
}

/** Makes one with no work under way. */
export function makeSingleFlight<Value>({ deadline }: SingleFlightOptions = {}): SingleFlight<Value> {
  const underWay = new Map<string, Call<Value>>();

  const start = (key: string, work: (signal: AbortSignal) => Promise<Value>): Call<Value> => {
    const abort = new AbortController();
    const { signal } = abort;
    const timer = deadline === undefined ? undefined : setTimeout(() => abort.abort(deadline.error()), deadline.ms);
    const givenUp = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    // Begun in a later turn, so that the call is known before its work can end.
    const value = Promise.race([Promise.resolve().then(async () => await work(signal)), givenUp]).finally(() => {
      clearTimeout(timer);
      if (underWay.get(key) === call) underWay.delete(key);
    });
    const call: Call<Value> = { value, abort, callers: 0 };
    underWay.set(key, call);
    // Callers see the failure; work that all have left has nobody to tell.
    value.catch(() => undefined);
    return call;
  };

  return {
    join(key, signal, work) {
      const found = underWay.get(key);
      const joined = found !== undefined && !found.abort.signal.aborted;
      const call = joined ? found : start(key, work);
      call.callers += 1;
      if (signal === undefined) return { joined, value: call.value };
      const leave = (): void => {
        call.callers -= 1;
        if (call.callers === 0) call.abort.abort(signal.reason);
      };
      if (signal.aborted) leave();
      else {
        signal.addEventListener("abort", leave, { once: true });
        const off = (): void => signal.removeEventListener("abort", leave);
        call.value.then(off, off);
      }
      return { joined, value: call.value };
    },
    get size() {
      return underWay.size;
    },
    async close(reason) {
      const all = [...underWay.values()];
      for (const { abort } of all) abort.abort(reason);
      await Promise.allSettled(all.map((call) => call.value));
    },
  };
}
