// Pictures: making one, or finding that the one at hand still holds.
//
//   pictures.P1. Equal cold requests at once cost one making (single-flight), within the deadline.
//   pictures.P2. A picture is made only of content that did not fail it before (slow-list.ts), and what came of it is known afterwards: the answer in the
//       cache, the version in freshness, the failure in the negative cache or on the slow list.
//   pictures.P3. An old answer is looked up behind the scenes only while there is room, and by one caller at a time.

import { isStockroomError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { makeSingleFlight } from "../../platform/concurrency/single-flight.ts";
import type { PictureCache, Stored } from "../store/cache/contract.ts";
import type { Budgets } from "./budgets.ts";
import type { Engine, Outcome } from "./contract.ts";
import type { Counts } from "./counts.ts";
import { mayBeStored } from "./freshness.ts";
import type { Freshness } from "./freshness.ts";
import type { NegativeCache } from "./negative-cache.ts";
import type { Original, Originals } from "./originals.ts";
import { noSuchKey, pastDeadline } from "./problems.ts";
import type { SlowList } from "./slow-list.ts";
import type { Meaning } from "./url-memo.ts";

export interface PictureDeps {
  readonly engine: Engine;
  readonly cache: PictureCache;
  readonly originals: Originals;
  readonly freshness: Freshness;
  readonly failures: NegativeCache;
  readonly slow: SlowList;
  readonly budgets: Budgets;
  readonly counts: Counts;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly deadlineMs: number;
  /** How long an old answer is kept after its source could not be asked. */
  readonly missingMs: number;
}

/** A finished answer, and whether it had to be made. */
export interface Made {
  readonly stored: Stored;
  readonly outcome: Extract<Outcome, "made" | "unchanged">;
}

export interface Pictures {
  /** The picture of a meaning, given the answer there was, if any. `joined` tells whether somebody else had asked before. */
  make(
    meaning: Meaning,
    old: Stored | undefined,
    signal: AbortSignal | undefined,
  ): { readonly joined: boolean; readonly value: Promise<Made> };
  /** Looks behind the scenes whether an old answer still holds, and makes the new one if not. */
  refresh(meaning: Meaning, old: Stored): void;
  /** Ends what is being made. */
  close(reason: Error): Promise<void>;
}

/** Makes pictures; keeps nothing itself but what is being made. */
export function makePictures(deps: PictureDeps): Pictures {
  const { budgets, freshness, log, deadlineMs, missingMs } = deps;
  const making = makeSingleFlight<Made>({ deadline: { ms: deadlineMs, error: () => pastDeadline(deadlineMs) } });
  const make: Pictures["make"] = (meaning, old, signal) =>
    making.join(meaning.id, signal, async (inner) => await makeInHand(deps, meaning, old, inner));
  return {
    make,
    refresh(meaning, old) {
      if (budgets.isFull()) return;
      const { value, joined } = make(meaning, old, undefined);
      if (joined) return;
      value.catch((error: unknown) => {
        if (isStockroomError(error) && error.kind === "missing") return;
        // The source is ill: the old answer holds a little longer, and not every caller asks again.
        freshness.hold(meaning.sourceId, old.version, missingMs);
        const { bucket, key } = meaning.request;
        log.warn("an original could not be looked up again; its old answer is kept", { bucket, key, error });
      });
    },
    close: async (reason) => await making.close(reason),
  };
}

async function makeInHand(deps: PictureDeps, meaning: Meaning, old: Stored | undefined, signal: AbortSignal): Promise<Made> {
  const leave = await deps.budgets.inHand.enter(1, signal);
  try {
    const found = await lookUp(deps, meaning, old, signal);
    if (found === undefined) throw gone(deps, meaning);
    if (found.kind === "unchanged") return keep(deps, meaning, found.old, found.old.source);
    const { original } = found;
    if (old?.version === original.version) return keep(deps, meaning, old, original.source);
    return await makeOf(deps, meaning, original, signal);
  } catch (error) {
    deps.failures.put(meaning.id, error);
    throw error;
  } finally {
    leave();
  }
}

type Found = { readonly kind: "unchanged"; readonly old: Stored } | { readonly kind: "read"; readonly original: Original };

/** Whether the old answer holds, else the original; undefined when there is none. Throws what came of the same content before. */
async function lookUp(
  { originals, slow }: PictureDeps,
  { id, request }: Meaning,
  old: Stored | undefined,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const read = (original: Original | undefined): Found | undefined => (original === undefined ? undefined : { kind: "read", original });
  const failed = slow.versionOf(id);
  // Whether content that failed is still the same is asked before anything is read again.
  const before = failed ?? old?.version;
  if (before !== undefined && originals.readIfChanged !== undefined) {
    const answered = await originals.readIfChanged(request, before, signal);
    if (answered !== "unchanged") return read(answered);
    if (failed !== undefined) slow.check(id, failed);
    if (old?.version === before) return { kind: "unchanged", old };
  }
  return read(await originals.read(request.bucket, request.key, signal));
}

/** The old answer, known to hold as of now. */
function keep({ cache, freshness, nowMs }: PictureDeps, { id, sourceId }: Meaning, old: Stored, source: Stored["source"]): Made {
  const stored = { ...old, source, checkedAtMs: nowMs() };
  freshness.confirm(sourceId, old.version, source.cacheControl);
  if (mayBeStored(source)) cache.put(id, stored);
  else cache.delete(id);
  return { stored, outcome: "unchanged" };
}

/** Forgets what was known of an original that has gone; gives back the error. */
function gone({ cache, freshness, failures }: PictureDeps, { id, sourceId, request }: Meaning): Error {
  const missing = noSuchKey(request);
  cache.delete(id);
  freshness.forget(sourceId);
  failures.put(sourceId, missing);
  return missing;
}

async function makeOf(deps: PictureDeps, meaning: Meaning, original: Original, signal: AbortSignal): Promise<Made> {
  const { cache, freshness, slow, nowMs } = deps;
  const { version, source } = original;
  freshness.confirm(meaning.sourceId, version, source.cacheControl);
  slow.check(meaning.id, version);
  const { contentType, body, notes } = await transform(deps, meaning, original, signal);
  const stored: Stored = { version, contentType, body, source, ...(notes === undefined ? {} : { notes }), checkedAtMs: nowMs() };
  if (mayBeStored(source)) cache.put(meaning.id, stored);
  return { stored, outcome: "made" };
}

/** The one place where pixels are worked on, within the budget of pictures and pixels. */
async function transform(
  { engine, originals, budgets, slow, counts }: PictureDeps,
  meaning: Meaning,
  { bytes, version, source }: Original,
  signal: AbortSignal,
): ReturnType<Engine["transform"]> {
  const leave = await budgets.atWork.enter(engine.pixelsOf?.(bytes) ?? unknownPixels, signal);
  const begin = performance.now();
  try {
    counts.transforms += 1;
    return await engine.transform(bytes, engine.complete(meaning.request, engine.typeOf?.(bytes) ?? source.contentType), {
      readOverlay: async (bucket, key, inner) => {
        const overlay = await originals.read(bucket, key, inner);
        if (overlay === undefined) throw noSuchKey({ bucket, key });
        return overlay.bytes;
      },
      signal,
      originalId: `${meaning.sourceId}\n${version}`,
      load: budgets.load().waiting,
    });
  } catch (error) {
    slow.note(meaning.id, version, error, signal);
    throw error;
  } finally {
    leave();
    const ms = performance.now() - begin;
    budgets.took(ms);
    counts.transformMs += ms;
  }
}

/** Stands in for the pixels of an original when the engine cannot say. */
const unknownPixels = 1_000_000;
