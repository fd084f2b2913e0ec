import { expect, it } from "vitest";
import { requestOf } from "../../../test/kit/pictures.ts";
import { StockroomError } from "../../platform/errors.ts";
import { makeMemoryLog } from "../../platform/log.ts";
import type { ImageRequest } from "../engine/plan.ts";
import { makeCache } from "../store/cache/cache.ts";
import { makeBudgets } from "./budgets.ts";
import { makeCounts } from "./counts.ts";
import { makeFreshness } from "./freshness.ts";
import { makeNegativeCache } from "./negative-cache.ts";
import { makeOriginals } from "./originals.ts";
import { makePictures } from "./pictures.ts";
import { makeSlowList } from "./slow-list.ts";
import { meaningOf } from "./url-memo.ts";

const request = requestOf();
const meaning = meaningOf(request, 0);
const turns = async (): Promise<void> => {
  for (let at = 0; at < 20; at++) await new Promise((resolve) => setImmediate(resolve));
};

function open(asksForVersions = true) {
  const state = { now: 1_000, version: "1", gone: false, ill: false, transforms: 0, fails: undefined as StockroomError | undefined };
  const nowMs = (): number => state.now;
  const log = makeMemoryLog();
  const read = async () => {
    if (state.ill) throw new StockroomError("busy", "ILL", "Expected the source to be well.");
    return state.gone ? undefined : { body: Buffer.from(`cat ${state.version}`), version: state.version };
  };
  const budgets = makeBudgets({ concurrency: 1, maxWaiting: 100, pixelsInFlight: 1e9 });
  const deps = {
    engine: {
      parse: () => request,
      complete: (given: ImageRequest) => given,
      transform: async (original: Uint8Array) => {
        state.transforms += 1;
        if (state.fails !== undefined) throw state.fails;
        return { body: original, contentType: "image/jpeg" };
      },
    },
    cache: makeCache({ memoryMaxBytes: 1e6, log }),
    freshness: makeFreshness({ freshMs: 60_000, nowMs }),
    failures: makeNegativeCache({ missingMs: 5_000, nowMs }),
    slow: makeSlowList({ nowMs }),
    budgets,
    counts: makeCounts(),
    log,
    nowMs,
    deadlineMs: 5_000,
    missingMs: 5_000,
  };
  const readIfChanged = async (_bucket: string, _key: string, version: string) => {
    const found = await read();
    return found?.version === version ? ("unchanged" as const) : found;
  };
  const originals = makeOriginals({
    sources: { read, ...(asksForVersions ? { readIfChanged } : {}) },
    budgets,
    counts: deps.counts,
    limits: { maxBytes: 1_000, timeoutMs: 1_000 },
    deadlineMs: 5_000,
  });
  const pictures = makePictures({ ...deps, originals });
  const make = async (old = deps.cache.peek(meaning.id)) => await pictures.make(meaning, old, undefined).value;
  return { ...deps, state, pictures, make };
}

it("makes a picture once for all who ask, and what came of it is known afterwards (P1, P2)", async () => {
  const { make, state, cache, freshness } = open();
  const [one, two] = await Promise.all([make(), make()]);
  expect([one, state.transforms]).toEqual([two, 1]);
  expect(cache.peek(meaning.id)).toMatchObject({ version: "1", contentType: "image/jpeg", checkedAtMs: 1_000 });
  expect(freshness.find(meaning.sourceId, state.now)?.version).toBe("1");
});

it("makes nothing when the old answer holds, whether or not its source can tell", async () => {
  for (const asksForVersions of [true, false]) {
    const { make, state, freshness, counts } = open(asksForVersions);
    await make();
    state.now += 70_000;
    expect((await make()).outcome).toBe("unchanged");
    expect([state.transforms, counts.reads, counts.revalidations]).toEqual(asksForVersions ? [1, 1, 1] : [1, 2, 0]);
    expect(freshness.find(meaning.sourceId, state.now)?.version).toBe("1");
    state.version = "2";
    expect(await make()).toMatchObject({ outcome: "made", stored: { version: "2" } });
  }
});

it("tells a missing original under its own name too, and gives up its answers (P2)", async () => {
  const { make, state, failures, cache, freshness } = open();
  await make();
  state.gone = true;
  await expect(make()).rejects.toMatchObject({ code: "NoSuchKey", facts: { status: 404 } });
  expect(failures.find(meaning.sourceId)?.code).toBe("NoSuchKey");
  expect([cache.peek(meaning.id), freshness.find(meaning.sourceId, state.now)]).toEqual([undefined, undefined]);
});

it("holds no core for content that was slow, until it is another or its time is over (P2)", async () => {
  const { make, state } = open();
  state.fails = new StockroomError("busy", "ProcessingTimeout", "Expected to be done.");
  for (let round = 0; round < 3; round++) await expect(make()).rejects.toMatchObject({ code: "ProcessingTimeout" });
  expect(state.transforms).toBe(1);
  state.fails = undefined;
  state.version = "2";
  expect((await make()).stored.version).toBe("2");
});

it("does not take an old answer for good because other content of it is still the same", async () => {
  const { make, state } = open();
  const { stored } = await make();
  state.version = "2";
  state.fails = new StockroomError("busy", "ProcessingTimeout", "Expected to be done.");
  await expect(make(stored)).rejects.toMatchObject({ code: "ProcessingTimeout" });
  // The source says "unchanged" of what failed, not of what the old answer was made of.
  await expect(make(stored)).rejects.toMatchObject({ code: "ProcessingTimeout" });
  state.fails = undefined;
  state.now += 61_000;
  expect((await make(stored)).stored.version).toBe("2");
});

it("keeps the old answer a little longer while its source is ill, and says so once (P3)", async () => {
  const { make, pictures, state, freshness, log } = open();
  const { stored } = await make();
  state.now += 70_000;
  state.ill = true;
  pictures.refresh(meaning, stored);
  pictures.refresh(meaning, stored);
  await turns();
  expect(freshness.find(meaning.sourceId, state.now + 4_999)?.version).toBe("1");
  expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

it("looks nothing up behind the scenes while there is no room (P3)", async () => {
  const { make, pictures, state, budgets, counts } = open();
  const { stored } = await make();
  const { signal } = new AbortController();
  for (let at = 0; at < 7; at++) void budgets.atWork.enter(1, signal);
  state.now += 70_000;
  pictures.refresh(meaning, stored);
  await turns();
  expect(counts.revalidations).toBe(0);
});

it("ends what is being made when it closes", async () => {
  const { pictures, budgets } = open();
  await budgets.atWork.enter(1, new AbortController().signal);
  const { value } = pictures.make(meaning, undefined, undefined);
  await pictures.close(new Error("closing"));
  await expect(value).rejects.toThrow("closing");
});
