import { expect, it } from "vitest";
import { makeMemoryLog } from "../../platform/log.ts";
import { makeFallback, withFallback } from "./fallback.ts";
import type { Original } from "./originals.ts";

const sorry: Original = { bytes: Buffer.from("sorry"), version: "1", source: { contentType: "image/png" } };
const open = (place: { bucket: string; key: string } | undefined = { bucket: "photos", key: "sorry.png" }) => {
  const state = { now: 0, reads: 0, answer: async (): Promise<Original | undefined> => sorry };
  const log = makeMemoryLog();
  const read = async (): Promise<Original | undefined> => {
    state.reads += 1;
    return await state.answer();
  };
  const stopped = new AbortController().signal;
  return {
    state,
    log,
    fallback: makeFallback({
      place,
      originals: { read },
      freshMs: 60_000,
      missingMs: 5_000,
      timeoutMs: 1_000,
      stopped,
      log,
      nowMs: () => state.now,
    }),
  };
};

it("is read once in its time, and serves on while its source is ill (S1)", async () => {
  const { fallback, state, log } = open();
  for (let round = 0; round < 3; round++) expect(await fallback.find()).toBe(sorry);
  expect(state.reads).toBe(1);
  state.now = 60_000;
  state.answer = async () => await Promise.reject(new Error("ill"));
  expect(await fallback.find()).toBe(sorry);
  expect([state.reads, log.lines.length]).toEqual([2, 0]);
});

it("asks an ill source again only after a while: no error waits for it each time (S1)", async () => {
  const { fallback, state, log } = open();
  state.answer = async () => await Promise.reject(new Error("ill"));
  for (let round = 0; round < 3; round++) expect(await fallback.find()).toBeUndefined();
  expect([state.reads, log.lines.length]).toEqual([1, 1]);
  state.now = 5_000;
  state.answer = async () => sorry;
  expect(await fallback.find()).toBe(sorry);
  state.now = 65_000;
  state.answer = async () => await Promise.reject(new Error("ill"));
  for (let round = 0; round < 3; round++) expect(await fallback.find()).toBe(sorry);
  expect(state.reads).toBe(3);
});

it("is nothing when it is not wanted, or cannot be had, which is told (S2)", async () => {
  const none = open();
  none.state.answer = async () => undefined;
  expect(await none.fallback.find()).toBeUndefined();
  expect(none.log.lines.map(({ message }) => message)).toEqual(["the fallback picture cannot be read"]);
  const { fallback, state } = open();
  const unwanted = makeFallback({
    place: undefined,
    originals: { read: async () => sorry },
    freshMs: 1,
    missingMs: 1,
    timeoutMs: 1,
    stopped: new AbortController().signal,
    log: none.log,
    nowMs: () => 0,
  });
  expect([await unwanted.find(), state.reads, await fallback.find()]).toEqual([undefined, 0, sorry]);
});

it("takes the error's status and its own type, and no cache keeps it too long (S3)", () => {
  const error = (status: number) => ({
    status,
    code: "NoSuchKey",
    headers: { "content-type": "application/json", "content-length": "99", vary: "Accept" },
    body: Buffer.from("{}"),
    outcome: "refused" as const,
  });
  const settings = { compat: "open" as const, fixed: {} };
  const plain = withFallback(error(404), sorry, { settings, head: false, leftMs: undefined });
  expect(plain).toMatchObject({ status: 404, code: "NoSuchKey", body: sorry.bytes });
  expect(plain.headers).toEqual({
    "content-type": "image/png",
    "content-length": "5",
    vary: "Accept",
    "cache-control": "max-age=10,public",
  });
  const lifetime = (status: number, leftMs: number | undefined, own?: string, compat: "open" | "strict" = "open"): string | undefined => {
    const source = own === undefined ? {} : { cacheControl: own };
    const reply = withFallback(error(status), { ...sorry, source }, { settings: { ...settings, compat }, head: true, leftMs });
    expect(reply.body).toBeUndefined();
    return reply.headers["cache-control"];
  };
  expect(lifetime(503, undefined, "max-age=999")).toBe("no-store");
  expect(lifetime(503, 5_000)).toBe("no-store");
  expect(lifetime(404, 5_000, "max-age=999")).toBe("max-age=5,public");
  expect(lifetime(404, undefined, "max-age=999")).toBe("max-age=999");
  expect(lifetime(404, undefined, undefined, "strict")).toBe("max-age=31536000,public");
});
