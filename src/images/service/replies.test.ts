import { expect, it } from "vitest";
import { requestOf } from "../../../test/kit/pictures.ts";
import type { ImageRequest } from "../engine/plan.ts";
import type { Stored } from "../store/cache/contract.ts";
import type { Asked, Reply } from "./contract.ts";
import { makeReplies } from "./replies.ts";
import { meaningOf } from "./url-memo.ts";

const lastModified = "Mon, 01 Jan 2024 00:00:00 GMT";
const stored = (version = "1", body = "cat"): Stored => ({
  version,
  contentType: "image/jpeg",
  body: Buffer.from(body),
  source: { lastModified },
  checkedAtMs: 0,
});
const asked = (headers: Record<string, string> = {}, method = "GET"): Asked => ({
  method,
  target: "/a.jpg",
  header: (name) => headers[name],
});
const hit = { outcome: "hit" as const, cacheStatus: "Stockroom; hit; ttl=60" };
const replies = makeReplies({ complete: (given) => given, settings: { compat: "open", fixed: {} }, nowMs: () => 1_000 });
const tagOf = ({ headers }: Reply): string => headers["etag"] ?? "";

it("names in its validator the plan and the version, and nothing else (R1)", () => {
  const tag = (change: Partial<ImageRequest>, given: Stored): string =>
    tagOf(replies.give(asked(), meaningOf(requestOf({}, change), 0), given, hit));
  const one = tag({}, stored());
  expect(tag({}, stored())).toBe(one);
  expect(tag({}, stored("1", "another encoding"))).toBe(one);
  expect(tag({ headers: { "x-a": "b" }, cacheControl: "max-age=1" }, stored())).toBe(one);
  expect(tag({}, stored("2"))).not.toBe(one);
  expect(tag({ edits: { grayscale: true } }, stored())).not.toBe(one);
});

it("answers 304 by tag or date, without a body or its length, and without the picture at hand (R1)", () => {
  const meaning = meaningOf(requestOf(), 0);
  expect(replies.unchanged(asked({ "if-none-match": "*" }), meaning, "1", "x")).toBeUndefined();
  const whole = replies.give(asked(), meaning, stored(), hit);
  const etag = tagOf(whole);
  for (const tags of [etag, etag.slice(2), `"x", ${etag}`, "*"]) {
    const same = replies.unchanged(asked({ "if-none-match": tags }), meaning, "1", "Stockroom; hit; ttl=9");
    expect(same).toMatchObject({ status: 304, body: undefined, headers: { etag, "cache-status": "Stockroom; hit; ttl=9" } });
    expect(same?.headers).not.toHaveProperty("content-length");
  }
  expect(replies.unchanged(asked({ "if-modified-since": lastModified }), meaning, "1", "x")?.status).toBe(304);
  // A tag is the better witness; another version is another answer; words that are no date say nothing.
  for (const headers of [{ "if-none-match": '"x"', "if-modified-since": lastModified }, { "if-modified-since": "soon" }, {}])
    expect(replies.unchanged(asked(headers as Record<string, string>), meaning, "1", "x")).toBeUndefined();
  expect(replies.unchanged(asked({ "if-none-match": etag }), meaning, "2", "x")).toBeUndefined();
});

it("makes its headers once for a version and a second (R2)", () => {
  let completed = 0;
  const counting = makeReplies({
    complete: (given) => ((completed += 1), given),
    settings: { compat: "open", fixed: {} },
    nowMs: () => 1_000,
  });
  const meaning = meaningOf(requestOf(), 0);
  const first = counting.give(asked(), meaning, stored(), hit);
  expect(counting.give(asked(), meaning, stored(), hit).headers).toBe(first.headers);
  expect(counting.give(asked(), meaning, stored(), { ...hit, cacheStatus: "Stockroom; hit; ttl=59" }).headers).not.toBe(first.headers);
  expect(completed).toBe(1);
  counting.give(asked(), meaning, stored("2"), hit);
  expect(completed).toBe(2);
});

it("keeps the body from HEAD, and tells a URL that ends how long is left", () => {
  const ends = meaningOf(requestOf({}, { secondsToExpiry: 60 }), 0);
  const reply = replies.give(asked({}, "HEAD"), ends, stored(), hit);
  expect([reply.status, reply.body, reply.headers["content-length"], reply.headers["cache-control"]]).toEqual([
    200,
    undefined,
    "3",
    "max-age=59,public",
  ]);
});
