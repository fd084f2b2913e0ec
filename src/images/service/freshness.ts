// Freshness: which version of an original is taken to be its source's, and until when.
//
//   pictures.F1. A version holds for `freshMs` after the source named it; the source's own word can shorten that, never lengthen it.
//   pictures.F2. All pictures of an original share it: one that learns of a new version makes the answers of the others old.
//   pictures.F3. Bounded: the originals longest not asked for go first, and are looked up again.

import { makeLru } from "../store/cache/memory.ts";
import type { Stored } from "../store/cache/contract.ts";

/** What is taken to be true of an original. */
export interface FreshVersion {
  readonly version: string;
  readonly untilMs: number;
}

export interface Freshness {
  /** The version that holds at this time, if one does. */
  find(sourceId: string, now: number): FreshVersion | undefined;
  /** The source has just named this version; `cacheControl` is what it said of it. */
  confirm(sourceId: string, version: string, cacheControl: string | undefined): void;
  /** Lets a version hold so much longer although its source could not be asked. */
  hold(sourceId: string, version: string, ms: number): void;
  forget(sourceId: string): void;
}

const mostOriginals = 20_000;

/** Makes one that knows of no original. */
export function makeFreshness({ freshMs, nowMs }: { readonly freshMs: number; readonly nowMs: () => number }): Freshness {
  const known = makeLru<FreshVersion>(mostOriginals, () => 1);
  const hold = (sourceId: string, version: string, ms: number): void => known.set(sourceId, { version, untilMs: nowMs() + ms });
  return {
    find(sourceId, now) {
      const found = known.get(sourceId);
      return found !== undefined && now < found.untilMs ? found : undefined;
    },
    confirm: (sourceId, version, cacheControl) => hold(sourceId, version, freshFor(cacheControl, freshMs)),
    hold,
    forget: (sourceId) => known.delete(sourceId),
  };
}

function freshFor(cacheControl: string | undefined, freshMs: number): number {
  if (cacheControl === undefined) return freshMs;
  if (/\bno-(?:cache|store)\b/i.test(cacheControl)) return 0;
  const seconds = /\bmax-age=(\d{1,10})/i.exec(cacheControl)?.[1];
  return seconds === undefined ? freshMs : Math.min(freshMs, Number(seconds) * 1000);
}

/** Whether an old answer may be given while its original is looked up: a source that says `no-cache` or the like is asked before each answer. */
export const mayBeStale = ({ source }: Pick<Stored, "source">): boolean =>
  source.cacheControl === undefined || !/\b(?:no-cache|no-store|must-revalidate|max-age=0)\b/i.test(source.cacheControl);

/** Whether the answer may be kept at all. */
export const mayBeStored = ({ cacheControl }: Stored["source"]): boolean => !/\bno-store\b/i.test(cacheControl ?? "");
