import { expect, it } from "vitest";
import { requestOf } from "../../../test/kit/pictures.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Stored } from "../store/cache/contract.ts";
import { errorReply, fixedHeaders, headersOf, untilExpiry } from "./answers.ts";

const settings = { compat: "open" as const, fixed: {} };
const errorOf = (error: unknown, retryAfter = 7) => {
  const reply = errorReply(error, { settings, retryAfter, head: false, vary: ["Accept"] });
  return { ...reply, json: JSON.parse(Buffer.from(reply.body ?? []).toString()) as { status: number; code: string; message: string } };
};
const request = requestOf();
const stored: Stored = { version: "1", contentType: "image/jpeg", body: Buffer.from("cat"), source: {}, checkedAtMs: 0 };

it("tells an error as status, code and message, and nothing of a fault's insides (A1)", () => {
  const ours = errorOf(new StockroomError("denied", "Denied", "Expected a right.", { facts: { status: 403 } }));
  expect(ours).toMatchObject({
    status: 403,
    code: "Denied",
    outcome: "refused",
    json: { status: 403, code: "Denied", message: "Expected a right." },
  });
  expect(ours.headers).toMatchObject({ vary: "Accept", "content-type": "application/json" });
  for (const secret of [new Error("password=1"), new StockroomError("fault", "AccessDenied", "password=1"), "password=1", undefined]) {
    const { status, json, outcome } = errorOf(secret);
    expect([status, outcome, JSON.stringify(json).includes("password")]).toEqual([500, "failed", false]);
  }
});

it("says when to come again, the error's own word first, and lets nobody keep what is only busy", () => {
  const busy = errorOf(new StockroomError("busy", "ServiceBusy", "Expected room."));
  expect(busy.headers).toMatchObject({ "retry-after": "7", "cache-control": "no-store" });
  const known = errorOf(new StockroomError("busy", "Slow", "Expected less.", { facts: { status: 503, retryAfterSeconds: 60 } }));
  expect(known.headers["retry-after"]).toBe("60");
  expect(errorOf(new StockroomError("input", "Bad", "Expected more.")).headers).not.toHaveProperty("retry-after");
});

it("lets the headers of the URL come last, made printable (A2)", () => {
  const headers = headersOf({ ...request, headers: { "Cache-Control": "max-age=1", "X-Name": "snow\u2603\n" } }, stored, 'W/"1"', settings);
  expect(headers).toMatchObject({ "cache-control": "max-age=1", "x-name": "snow??", etag: 'W/"1"', "content-length": "3" });
});

it("locks a drawing up, and tells what could not be done", () => {
  const drawing = headersOf(request, { ...stored, contentType: "image/svg+xml", notes: ["lossy", "smaller"] }, "x", settings);
  expect(drawing["content-security-policy"]).toMatch(/^default-src 'none'.*sandbox$/);
  expect(drawing["x-picture-notes"]).toBe("lossy, smaller");
  expect(headersOf(request, { ...stored, contentType: "image/svg+xml" }, "x", { ...settings, compat: "strict" })).not.toHaveProperty(
    "content-security-policy",
  );
});

it("tells no cache to keep longer than the URL lives, by no header (A3)", () => {
  const headers = {
    "cache-control": "max-age=9",
    Expires: "never",
    expires: "x",
    "cdn-cache-control": "y",
    "x-cdn-cache-control": "z",
    etag: "1",
  };
  expect(untilExpiry(headers, 5_900)).toEqual({ Expires: "never", etag: "1", "cache-control": "max-age=5,public" });
  expect(untilExpiry({}, -1)).toEqual({ "cache-control": "max-age=0,public" });
});

it("speaks CORS as set, and as the classic handler does in strict", () => {
  expect(fixedHeaders("open", undefined)).toEqual({ "x-content-type-options": "nosniff" });
  expect(fixedHeaders("open", "*")).toMatchObject({ "access-control-allow-origin": "*", "timing-allow-origin": "*" });
  expect(fixedHeaders("strict", undefined)).toMatchObject({ "access-control-allow-credentials": "true" });
  expect(fixedHeaders("strict", undefined)).not.toHaveProperty("access-control-allow-origin");
});
