import { describe, expect, it } from "vitest";
import { requestOf } from "../../../test/kit/pictures.ts";
import { StockroomError } from "../../platform/errors.ts";
import { makeLatch } from "../../platform/concurrency/latch.ts";
import { makeMemoryLog } from "../../platform/log.ts";
import type { Edits } from "../engine/plan.ts";
import { makeCache } from "../store/cache/cache.ts";
import type { SourceObject, Sources } from "../store/sources/contract.ts";
import { fixedHeaders } from "./answers.ts";
import { makeService } from "./service.ts";
import type { Service, ServiceOptions } from "./service.ts";
import type { Asked, Engine, Reply } from "./contract.ts";

/** Held up until the test lets it go on. */
const { signal: never } = new AbortController();

/** Reads `/KEY?anything`; the picture is the original in capitals. */
const standInEngine = (): Engine => ({
  parse: ({ path, query }) => requestOf(query === undefined ? {} : ({ query } as Edits), { key: path.slice(1) }),
  complete: (request) => request,
  transform: async (original) => ({ body: Buffer.from(Buffer.from(original).toString().toUpperCase()), contentType: "image/jpeg" }),
});

function makeShop(change: Partial<ServiceOptions> = {}) {
  const state = { now: 1_000_000, reads: 0, checks: 0, transforms: 0, version: "1", body: "cat" as string | undefined, ill: false };
  const engine = standInEngine();
  const log = makeMemoryLog();
  const object = (): SourceObject | undefined =>
    state.body === undefined ? undefined : { body: Buffer.from(state.body), version: state.version };
  const sources: Sources = {
    read: async () => {
      state.reads += 1;
      if (state.ill) throw new StockroomError("busy", "ILL", "Expected the source to be well.");
      return object();
    },
    readIfChanged: async (_bucket, _key, version) => {
      state.checks += 1;
      if (state.ill) throw new StockroomError("busy", "ILL", "Expected the source to be well.");
      return state.body !== undefined && version === state.version ? "unchanged" : object();
    },
  };
  const service = makeService({
    sources,
    engine: {
      ...engine,
      transform: async (...args) => {
        state.transforms += 1;
        return await engine.transform(...args);
      },
    },
    cache: makeCache({ memoryMaxBytes: 1_000_000, log }),
    answers: { compat: "open", fixed: fixedHeaders("open", undefined) },
    freshMs: 60_000,
    staleMs: 3_600_000,
    missingMs: 5_000,
    deadlineMs: 20_000,
    concurrency: 2,
    maxWaiting: 10,
    pixelsInFlight: 100_000_000,
    sourceMaxBytes: 1_000_000,
    sourceTimeoutMs: 5_000,
    log,
    nowMs: () => state.now,
    ...change,
  });
  return { service, state, log };
}

const asking = (target: string, headers: Record<string, string> = {}, more: Partial<Asked> = {}): Asked => ({
  method: "GET",
  target,
  header: (name) => headers[name],
  ...more,
});
const ask = async (service: Service, target: string, headers?: Record<string, string>, more?: Partial<Asked>): Promise<Reply> =>
  await service.answer(asking(target, headers, more));
const textOf = (reply: Reply): string => Buffer.from(reply.body ?? []).toString();
/** Lets everything that can go on without us go on. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("what ran out of time", () => {
  it("is not tried again for a while, and says for how long", async () => {
    const slow = new StockroomError("busy", "ProcessingTimeout", "Expected to be done by now.", { facts: { status: 503 } });
    let transforms = 0;
    const engine = {
      ...standInEngine(),
      transform: () => {
        transforms += 1;
        return Promise.reject(slow);
      },
    };
    const { service, state } = makeShop({ engine });
    for (let round = 0; round < 3; round++) {
      const reply = await ask(service, "/a.jpg");
      expect([reply.status, reply.code]).toEqual([503, "ProcessingTimeout"]);
    }
    expect((await ask(service, "/a.jpg")).headers["retry-after"]).toBe("60");
    // Another picture of the same original is another matter.
    await ask(service, "/a.jpg?w=1");
    expect(transforms).toBe(2);
    state.now += 61_000;
    await ask(service, "/a.jpg");
    expect(transforms).toBe(3);
  });

  it("is remembered longer when it had to be ended", async () => {
    const ended = new StockroomError("input", "ImageEdits::TooCostly", "Expected less.", { facts: { status: 400, ended: true } });
    let transforms = 0;
    const engine = {
      ...standInEngine(),
      transform: () => {
        transforms += 1;
        return Promise.reject(ended);
      },
    };
    const { service, state } = makeShop({ engine });
    await ask(service, "/a.jpg");
    state.now += 200_000;
    expect((await ask(service, "/a.jpg")).status).toBe(400);
    expect(transforms).toBe(1);
  });

  it("is tried at once when its original was replaced, whatever the source can tell of versions", async () => {
    for (const code of ["ProcessingTimeout", "ImageEdits::TooCostly"] as const) {
      const kind = code === "ProcessingTimeout" ? "busy" : "input";
      const status = kind === "busy" ? 503 : 400;
      const error = new StockroomError(kind, code, "Expected less.", { facts: { status, ...(kind === "input" ? { ended: true } : {}) } });
      for (const asksForVersions of [true, false]) {
        const heavy = standInEngine();
        let transforms = 0;
        const engine: Engine = {
          ...heavy,
          transform: async (original, ...rest) => {
            transforms += 1;
            if (Buffer.from(original).toString() === "heavy") throw error;
            return await heavy.transform(original, ...rest);
          },
        };
        let body = "heavy";
        const sources: Sources = {
          read: async () => ({ body: Buffer.from(body) }),
          ...(asksForVersions
            ? {
                read: async () => ({ body: Buffer.from(body), version: body }),
                readIfChanged: async (_bucket, _key, version) =>
                  version === body ? "unchanged" : { body: Buffer.from(body), version: body },
              }
            : {}),
        };
        const { service } = makeShop({ engine, sources });
        expect((await ask(service, "/a.jpg")).status).toBe(status);
        expect((await ask(service, "/a.jpg")).status).toBe(status);
        expect(transforms).toBe(1);
        body = "light";
        expect(textOf(await ask(service, "/a.jpg"))).toBe("LIGHT");
      }
    }
  });
});

describe("the service", () => {
  it("makes a picture once for all who ask at the same time", async () => {
    const { service, state } = makeShop();
    const replies = await Promise.all(Array.from({ length: 500 }, () => ask(service, "/a.jpg")));
    expect(replies.every((reply) => reply.status === 200 && textOf(reply) === "CAT")).toBe(true);
    expect([state.reads, state.transforms]).toEqual([1, 1]);
    expect(replies.filter((reply) => /collapsed/.test(reply.headers["cache-status"] ?? ""))).toHaveLength(499);
  });

  it("reads an original once for different pictures of it asked at the same time", async () => {
    const { service, state } = makeShop();
    await Promise.all(["1", "2", "3"].map((n) => ask(service, `/a.jpg?${n}`)));
    expect([state.reads, state.transforms]).toEqual([1, 3]);
  });

  it("answers a fresh picture at once, and a validator without a look at anything", async () => {
    const { service, state } = makeShop();
    const first = await ask(service, "/a.jpg");
    expect(first.headers).toMatchObject({
      "content-type": "image/jpeg",
      "content-length": "3",
      "cache-control": "max-age=31536000,public",
      "cache-status": "Stockroom; fwd=uri-miss; stored",
    });
    const hit = service.answer(asking("/a.jpg"));
    expect(hit).not.toBeInstanceOf(Promise);
    expect(hit).toMatchObject({ status: 200, outcome: "hit", headers: { "cache-status": "Stockroom; hit; ttl=60" } });
    const etag = first.headers["etag"] ?? "";
    for (const sent of [etag, etag.replace("W/", ""), `"x", ${etag}`, "*"]) {
      const same = service.answer(asking("/a.jpg", { "if-none-match": sent }));
      expect(same).toMatchObject({ status: 304, body: undefined, headers: { etag } });
      expect((same as Reply).headers["content-length"]).toBeUndefined();
    }
    expect(service.answer(asking("/a.jpg", { "if-none-match": '"x"' }))).toMatchObject({ status: 200 });
    expect([state.reads, state.checks, state.transforms]).toEqual([1, 0, 1]);
  });

  it("answers a validator although the picture itself has left the memory", async () => {
    const { service, state } = makeShop({ cache: makeCache({ memoryMaxBytes: 0, log: makeMemoryLog() }) });
    const { headers } = await ask(service, "/a.jpg");
    const same = service.answer(asking("/a.jpg", { "if-none-match": headers["etag"] ?? "" }));
    expect(same).toMatchObject({ status: 304, outcome: "hit" });
    expect([state.reads, state.transforms]).toEqual([1, 1]);
    expect(await ask(service, "/a.jpg")).toMatchObject({ status: 200, outcome: "made" });
  });

  it("answers HEAD with the headers of GET and nothing else", async () => {
    const { service } = makeShop();
    const get = await ask(service, "/a.jpg");
    const head = await ask(service, "/a.jpg", {}, { method: "HEAD" });
    expect(head.body).toBeUndefined();
    expect({ ...head.headers, "cache-status": "" }).toEqual({ ...get.headers, "cache-status": "" });
    expect(await ask(service, "/a.jpg", {}, { method: "POST" })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD, OPTIONS" } });
    expect(await ask(service, "/a.jpg", {}, { method: "OPTIONS" })).toMatchObject({ status: 204 });
  });

  it("gives the old answer while it looks whether it still holds", async () => {
    const { service, state } = makeShop();
    await ask(service, "/a.jpg");
    state.now += 61_000;
    const stale = await ask(service, "/a.jpg");
    expect(stale).toMatchObject({ status: 200, outcome: "stale", headers: { "cache-status": "Stockroom; hit; ttl=-1; detail=stale" } });
    await turns();
    expect([state.checks, state.transforms]).toEqual([1, 1]);
    expect(await ask(service, "/a.jpg")).toMatchObject({ outcome: "hit" });

    state.body = "dog";
    state.version = "2";
    state.now += 61_000;
    expect(textOf(await ask(service, "/a.jpg"))).toBe("CAT");
    await turns();
    const changed = await ask(service, "/a.jpg");
    expect(textOf(changed)).toBe("DOG");
    expect(changed.headers["etag"]).not.toBe(stale.headers["etag"]);
    expect([state.reads, state.checks, state.transforms]).toEqual([1, 2, 2]);
  });

  it("knows of every picture of an original that it changed", async () => {
    const { service, state } = makeShop();
    await ask(service, "/a.jpg?1");
    await ask(service, "/a.jpg?2");
    state.body = "dog";
    state.version = "2";
    state.now += 61_000;
    await ask(service, "/a.jpg?1");
    await turns();
    // The second was not asked for since, yet it is known to be old now, fresh as its own clock may be.
    expect(await ask(service, "/a.jpg?2")).toMatchObject({ outcome: "stale" });
    await turns();
    expect(textOf(await ask(service, "/a.jpg?2"))).toBe("DOG");
  });

  it("keeps the old answer while the source is ill, without knocking at it every time", async () => {
    const { service, state, log } = makeShop();
    await ask(service, "/a.jpg");
    state.now += 61_000;
    state.ill = true;
    for (let i = 0; i < 10; i++) {
      expect(textOf(await ask(service, "/a.jpg"))).toBe("CAT");
      await turns();
    }
    expect(state.checks).toBe(1);
    expect(log.lines.filter((line) => line.level === "warn")).toHaveLength(1);
  });

  it("asks first when the old answer is too old, or when the source wants it", async () => {
    const { service, state } = makeShop();
    await ask(service, "/a.jpg");
    state.now += 60_000 + 3_600_000;
    expect(await ask(service, "/a.jpg")).toMatchObject({
      outcome: "unchanged",
      headers: { "cache-status": "Stockroom; fwd=stale; fwd-status=304; stored" },
    });
    expect([state.checks, state.transforms]).toEqual([1, 1]);
    let asks = 0;
    const source = (cacheControl: string): Sources => ({
      read: async () => ({ body: Buffer.from("cat"), version: "1", cacheControl }),
      readIfChanged: async () => ((asks += 1), "unchanged"),
    });
    for (const cacheControl of ["no-cache", "max-age=0, must-revalidate"]) {
      const strict = makeShop({ sources: source(cacheControl) });
      await ask(strict.service, "/a.jpg");
      expect(await ask(strict.service, "/a.jpg")).toMatchObject({ outcome: "unchanged" });
      expect(strict.state.transforms).toBe(1);
    }
    expect(asks).toBe(2);
  });

  it("remembers for a moment that there is nothing, and forgets it", async () => {
    const { service, state } = makeShop();
    state.body = undefined;
    for (let i = 0; i < 5; i++) {
      const reply = await ask(service, `/a.jpg?${i}`);
      expect(reply).toMatchObject({ status: 404, code: "NoSuchKey", headers: { "content-type": "application/json" } });
      expect(Object.keys(JSON.parse(textOf(reply)) as object)).toEqual(["status", "code", "message"]);
    }
    expect(state.reads).toBe(1);
    state.body = "cat";
    state.now += 5_001;
    expect(await ask(service, "/a.jpg?1")).toMatchObject({ status: 200 });
  });

  it("gives up an answer whose original has gone", async () => {
    const { service, state } = makeShop();
    await ask(service, "/a.jpg");
    state.body = undefined;
    state.now += 61_000;
    await ask(service, "/a.jpg");
    await turns();
    expect(await ask(service, "/a.jpg")).toMatchObject({ status: 404 });
  });

  it("takes no more than it can do, says when to come again, and answers hits meanwhile", async () => {
    const latch = makeLatch();
    let most = 0;
    let working = 0;
    const { service } = makeShop({
      engine: {
        ...standInEngine(),
        transform: async (original) => {
          most = Math.max(most, ++working);
          if (Buffer.from(original).toString() === "slow") await latch.pass(never);
          working -= 1;
          return { body: original, contentType: "image/jpeg" };
        },
      },
      sources: { read: async (_bucket, key) => ({ body: Buffer.from(key === "hit" ? "hit" : "slow"), version: "1" }) },
    });
    await ask(service, "/hit");
    const flood = Array.from({ length: 2_000 }, (_, n) => ask(service, `/slow?${n}`));
    await turns();
    const hit = service.answer(asking("/hit"));
    expect(hit).toMatchObject({ status: 200, outcome: "hit" });
    latch.open();
    const replies = await Promise.all(flood);
    const refused = replies.filter((reply) => reply.status === 503);
    // Two at work, six in hand, ten waiting.
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(18);
    expect(refused).toHaveLength(1_982);
    expect(refused.every((reply) => Number(reply.headers["retry-after"]) >= 1 && reply.code === "ServiceBusy")).toBe(true);
    expect(most).toBe(2);
    // Refusals are not remembered.
    expect(await ask(service, "/slow?1999")).toMatchObject({ status: 200 });
  });

  it("lets no more pixels in than it may hold, and a picture that alone is larger by itself", async () => {
    let inside = 0;
    let most = 0;
    const { service } = makeShop({
      pixelsInFlight: 10,
      concurrency: 4,
      maxWaiting: 1_000,
      engine: {
        ...standInEngine(),
        pixelsOf: (original) => Number(Buffer.from(original).toString()),
        transform: async (original) => {
          const pixels = Number(Buffer.from(original).toString());
          inside += pixels;
          most = Math.max(most, inside > 10 ? (inside === pixels ? 0 : inside) : inside);
          await turns();
          inside -= pixels;
          return { body: original, contentType: "image/jpeg" };
        },
      },
      sources: { read: async (_bucket, key) => ({ body: Buffer.from(key), version: "1" }) },
    });
    const replies = await Promise.all(["4", "5", "30", "6", "7", "1", "1"].map((pixels, n) => ask(service, `/${pixels}?${n}`)));
    expect(replies.every((reply) => reply.status === 200)).toBe(true);
    expect(most).toBeLessThanOrEqual(10);
  });

  it("answers within the deadline whatever the work does", async () => {
    const { service, state } = makeShop({
      deadlineMs: 50,
      engine: { ...standInEngine(), transform: async () => await new Promise(() => undefined) },
    });
    expect(await ask(service, "/a.jpg")).toMatchObject({ status: 503, code: "DeadlineExceeded", headers: { "cache-control": "no-store" } });
    expect(state.reads).toBe(1);
  });

  it("stops working for callers who have all gone, and only then", async () => {
    let aborted = 0;
    const latch = makeLatch();
    const { service } = makeShop({
      engine: {
        ...standInEngine(),
        transform: async (original, _request, { signal }) => {
          signal.addEventListener("abort", () => (aborted += 1));
          await latch.pass(never);
          return { body: original, contentType: "image/jpeg" };
        },
      },
    });
    const [one, two] = [new AbortController(), new AbortController()];
    const first = ask(service, "/a.jpg", {}, { signal: one.signal });
    const second = ask(service, "/a.jpg", {}, { signal: two.signal });
    await turns();
    one.abort();
    await turns();
    expect(aborted).toBe(0);
    two.abort();
    await turns();
    expect(aborted).toBe(1);
    latch.open();
    await Promise.all([first, second]);
    // Nothing of what was given up is joined.
    expect(await ask(service, "/a.jpg")).toMatchObject({ status: 200 });
  });

  it("counts a caller who has gone as such: neither as a fault nor with a fallback to read", async () => {
    const latch = makeLatch();
    const { service, log } = makeShop({
      fallback: { bucket: "photos", key: "sorry" },
      engine: {
        ...standInEngine(),
        transform: async (original) => {
          await latch.pass(never);
          return { body: original, contentType: "image/jpeg" };
        },
      },
    });
    const leaving = new AbortController();
    const left = ask(service, "/a.jpg", {}, { signal: leaving.signal });
    await turns();
    leaving.abort(new DOMException("The caller has gone.", "AbortError"));
    expect(await left).toMatchObject({ status: 499, code: "CallerGone", outcome: "refused" });
    latch.open();
    expect([service.counts.byStatus.get(500), service.counts.byOutcome.failed, service.counts.reads]).toEqual([undefined, 0, 1]);
    expect(log.lines).toEqual([]);
  });

  it("never logs a signature, nor where thumbor has it", async () => {
    const { service, log } = makeShop({ sources: { read: async () => Promise.reject(new Error("broken")) } });
    await ask(service, "/AbCdEfGhIjKlMnOpQrStUvWxYz0=/a.jpg");
    expect(log.lines.map(({ facts }) => facts?.["target"])).toEqual(["/[secret]/a.jpg"]);
  });

  it("tells on what the source says of an original whose bytes are the same", async () => {
    let cacheControl = "max-age=100";
    const { service, state } = makeShop({ sources: { read: async () => ({ body: Buffer.from("cat"), version: "1", cacheControl }) } });
    const ageOf = async () => {
      const { headers } = await ask(service, "/a.jpg");
      return [headers["cache-control"], headers["cache-status"]?.endsWith("; stored")];
    };
    expect(await ageOf()).toEqual(["max-age=100", true]);
    cacheControl = "max-age=0";
    state.now += 3_600_000 * 2;
    expect(await ageOf()).toEqual(["max-age=0", true]);
    cacheControl = "no-store";
    expect(await ageOf()).toEqual(["no-store", false]);
    expect(service.cache.memoryEntries).toBe(0);
  });

  it("answers the fallback picture with the error's status", async () => {
    const { service } = makeShop({
      fallback: { bucket: "photos", key: "sorry" },
      sources: { read: async (_bucket, key) => (key === "sorry" ? { body: Buffer.from("sorry"), contentType: "image/png" } : undefined) },
    });
    const reply = await ask(service, "/none.jpg");
    expect(reply).toMatchObject({ status: 404, code: "NoSuchKey", headers: { "content-type": "image/png", "content-length": "5" } });
    expect(textOf(reply)).toBe("sorry");
  });

  it("tells nothing of a fault's insides", async () => {
    const { service, log } = makeShop({ sources: { read: async () => Promise.reject(new Error("password=hunter2 at db.internal")) } });
    const reply = await ask(service, "/a.jpg");
    expect(reply).toMatchObject({ status: 500, code: "InternalError" });
    expect(textOf(reply)).not.toContain("hunter2");
    expect(log.lines.some((line) => line.message === "picture failed")).toBe(true);
  });

  it("bounds what a source of the caller's own hands over", async () => {
    const endless = () => new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(100_000)) });
    const { service } = makeShop({ sources: { read: async () => ({ body: endless() }) } });
    expect(await ask(service, "/a.jpg")).toMatchObject({ status: 413, code: "TooLargeImageException" });
  });
});
