// Slow list: pictures that ran out of time, or whose making had to be ended, by the content they were made of.
//
//   pictures.L1. Such a picture will run out of time again: whoever asks next is told at once, and no core is held for it.
//   pictures.L2. Only that content is to blame: when the original was replaced, the picture is tried at once.
//   pictures.L3. Off the list after `slowMs`, or `endedMs` when a process had to be ended; bounded, the ones longest not asked for go first.

import { isStockroomError } from "../../platform/errors.ts";
import type { StockroomError } from "../../platform/errors.ts";
import { makeLru } from "../store/cache/memory.ts";
import { tooSlow } from "./problems.ts";

export interface SlowList {
  /** The version of the original that a picture failed with. */
  versionOf(id: string): string | undefined;
  /** Throws what came of this very content before. */
  check(id: string, version: string): void;
  /** Puts a picture on the list if it was slow: by what its making threw, and by its signal's reason. */
  note(id: string, version: string, thrown: unknown, signal: AbortSignal): void;
}

interface Entry {
  readonly error: StockroomError;
  readonly version: string;
  readonly untilMs: number;
}

const slowMs = 60_000;
const endedMs = 300_000;
const mostPictures = 5_000;

/** Makes an empty list. */
export function makeSlowList({ nowMs }: { readonly nowMs: () => number }): SlowList {
  const slow = makeLru<Entry>(mostPictures, () => 1);
  const find = (id: string): Entry | undefined => {
    const entry = slow.get(id);
    return entry !== undefined && nowMs() < entry.untilMs ? entry : undefined;
  };
  return {
    versionOf: (id) => find(id)?.version,
    check(id, version) {
      const entry = find(id);
      if (entry?.version === version) throw entry.error;
    },
    note(id, version, thrown, signal) {
      const late = signal.aborted && isStockroomError(signal.reason) && signal.reason.code === "DeadlineExceeded";
      if (late || (isStockroomError(thrown) && thrown.code === "ProcessingTimeout"))
        slow.set(id, { error: tooSlow(slowMs / 1000), version, untilMs: nowMs() + slowMs });
      else if (isStockroomError(thrown) && thrown.facts["ended"] === true)
        slow.set(id, { error: thrown, version, untilMs: nowMs() + endedMs });
    },
  };
}
