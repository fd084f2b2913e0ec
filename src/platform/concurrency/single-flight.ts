// SingleFlight: work that many ask for at once and that is done once.
//
//   F1. While a flight under a key is in the air, whoever asks for the key joins it.
//   F2. A passenger who leaves hurts nobody; when the last one has left, the flight's signal aborts.
//   F3. A flight ends within its deadline, in `busy` `IMAGES_DEADLINE`, whatever its work does with the signal.

import { StockroomError } from "../errors.ts";

export interface SingleFlight<Value> {
  /** Joins the flight of `key`, or starts it with `work`. `joined` tells which. */
  board(
    key: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Value>,
  ): { readonly joined: boolean; readonly value: Promise<Value> };
  readonly size: number;
  /** Aborts what is in the air and waits for it. */
  close(reason: Error): Promise<void>;
}

interface Flight<Value> {
  readonly value: Promise<Value>;
  readonly abort: AbortController;
  passengers: number;
}

export function makeSingleFlight<Value>(deadlineMs: number): SingleFlight<Value> {
  const air = new Map<string, Flight<Value>>();

  const start = (key: string, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> => {
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const error = new StockroomError(
          "busy",
          "DeadlineExceeded",
          `Expected the picture within ${deadlineMs} ms but it takes longer now. Try again after the time in Retry-After.`,
          {
            facts: { status: 503 },
          },
        );
        abort.abort(error);
        reject(error);
      }, deadlineMs);
    });
    const given = new Promise<never>((_resolve, reject) => {
      abort.signal.addEventListener("abort", () => reject(abort.signal.reason as Error), { once: true });
    });
    // Begun in a later turn, so that the flight is on the board before its work can end.
    const value = Promise.race([Promise.resolve().then(async () => await work(abort.signal)), late, given]).finally(() => {
      clearTimeout(timer);
      if (air.get(key) === flight) air.delete(key);
    });
    const flight: Flight<Value> = { value, abort, passengers: 0 };
    air.set(key, flight);
    // Passengers see the failure; a flight that all have left has nobody to tell.
    value.catch(() => undefined);
    return flight;
  };

  return {
    board(key, signal, work) {
      const found = air.get(key);
      // One that is already being given up is no flight to join.
      const joined = found !== undefined && !found.abort.signal.aborted;
      const flight = joined ? found : start(key, work);
      flight.passengers += 1;
      if (signal === undefined) return { joined, value: flight.value };
      const leave = (): void => {
        flight.passengers -= 1;
        if (flight.passengers === 0) flight.abort.abort(signal.reason);
      };
      if (signal.aborted) leave();
      else {
        signal.addEventListener("abort", leave, { once: true });
        const off = (): void => signal.removeEventListener("abort", leave);
        flight.value.then(off, off);
      }
      return { joined, value: flight.value };
    },
    get size() {
      return air.size;
    },
    async close(reason) {
      const all = [...air.values()];
      for (const { abort } of all) abort.abort(reason);
      await Promise.allSettled(all.map((flight) => flight.value));
    },
  };
}
