import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StockroomError } from "../../../platform/errors.ts";
import type { RequestOptions } from "../plan.ts";
import { explain, imageUrl, parseRequest } from "./index.ts";
import { formatExpiry, readExpiry, signText, signThumborPath, textToSign, thumborPrefix } from "./signature.ts";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const options: RequestOptions = { buckets: ["validBucket"], nowMs, signature: { keys: ["new", "secret"] } };
const code = (target: string, given: RequestOptions = options): string => {
  const answer = explain(target, given);
  return "status" in answer ? `${answer.status} ${answer.code}` : "passes";
};
const signed = (path: string, query: Record<string, string> = {}, key = "secret"): string => {
  const entries = Object.entries(query);
  return `${path}?${new URLSearchParams([...entries, ["signature", signText(textToSign(path, entries), key)]]).toString()}`;
};

describe("the text that is signed", () => {
  it("keeps apart what is written apart, and is the classic one in strict", () => {
    const text = (query: string, compat?: "strict"): string => textToSign("/a.jpg", new URLSearchParams(query), compat);
    expect(text("a=1&width=50")).toBe("/a.jpg?a=1&width=50");
    for (const [one, other] of [
      ["a=1%26width=50", "a=1&width=50"],
      ["a%3D1=2", "a=1%3D2"],
      ["a=%2526", "a=%26"],
    ] as const) {
      expect(text(one)).not.toBe(text(other));
    }
    expect(text("a=1%26width=50", "strict")).toBe(text("a=1&width=50", "strict"));
    // What needs no care is signed as ever.
    expect(text("b=x,y z/%C3%BC:+&a=1")).toBe(text("b=x,y z/%C3%BC:+&a=1", "strict"));
  });
});

describe("the classic signature", () => {
  // A golden value: HMAC-SHA256 of the path under "secret", as the classic handler's users have made them for years.
  const path = "/eyJidWNrZXQiOiJ2YWxpZEJ1Y2tldCIsImtleSI6InZhbGlkS2V5IiwiZWRpdHMiOnsidG9Gb3JtYXQiOiJwbmcifX0=";
  const golden = "4d41311006641a56de7bca8abdbda91af254506107a2c7b338a13ca2fa95eac3";

  it("is what it always was", () => {
    expect(signText(path, "secret")).toBe(golden);
    expect(code(`${path}?signature=${golden}`)).toBe("passes");
  });

  const rows: [target: string, expected: string][] = [
    [path, "400 AuthorizationQueryParametersError"],
    [`${path}?signature=`, "400 AuthorizationQueryParametersError"],
    [`${path}?Signature=${golden}`, "400 AuthorizationQueryParametersError"],
    [`${path}?signature=invalid`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=${golden.slice(0, -1)}4`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=${golden.toUpperCase()}`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=${golden}0`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=%E4%B8%AD`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=${golden}&width=9`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=${golden}&v=2`, "403 SignatureDoesNotMatch"],
    [`${path}?signature=${golden}&signature=x`, "403 SignatureDoesNotMatch"],
    [`/a.jpg?signature=${golden}`, "403 SignatureDoesNotMatch"],
    [signed("/a.jpg"), "passes"],
    [signed("/a.jpg", {}, "new"), "passes"],
    [signed("/a.jpg", {}, "old"), "403 SignatureDoesNotMatch"],
    [signed("/a.jpg", { width: "9", expires: "20260102T040000Z" }), "passes"],
    [signed("/a.jpg", { width: "9" }).replace("width=9", "width=10"), "403 SignatureDoesNotMatch"],
    [signed("/a.jpg", { width: "9" }).replace("/a.jpg", "/b.jpg"), "403 SignatureDoesNotMatch"],
    [signed("/a.jpg", { width: "9" }).replace("/a.jpg", "/a%2Ejpg"), "403 SignatureDoesNotMatch"],
    [signed("/a.jpg", { expires: "20250102T040000Z" }), "400 ImageRequestExpired"],
    [signed("/a.jpg", { expires: "20260102T040000Z" }).replace("2026", "2036"), "403 SignatureDoesNotMatch"],
    [signed("/a.bmp"), "400 RequestTypeError"],
    ["/a.bmp", "400 AuthorizationQueryParametersError"],
    ["/a.bmp?expires=x", "400 AuthorizationQueryParametersError"],
    [signed("/a.bmp", { expires: "x" }), "400 ImageRequestExpiryFormat"],
  ];
  it.each(rows)("%s: %s", (target, expected) => expect(code(target)).toBe(expected));

  it("covers names sorted and values decoded, however they are sent", () => {
    const text = textToSign("/a.jpg", [
      ["width", "9"],
      ["fit", "a b&c=ü"],
      ["signature", "x"],
      ["Z", "1"],
    ]);
    expect(text).toBe("/a.jpg?Z=1&fit=a b%26c%3Dü&width=9");
    const signature = signText(
      textToSign("/a.jpg", [
        ["v", "a b"],
        ["width", "9"],
      ]),
      "secret",
    );
    for (const query of ["v=a%20b&width=9", "v=a+b&width=9", "width=9&v=a%20b", "%76=a%20b&width=%39"]) {
      expect(code(`/a.jpg?${query}&signature=${signature}`)).toBe("passes");
    }
  });

  it("binds the values that are heeded, however they are repeated or encoded", () => {
    const sign = (text: string): string => signText(text, "secret");
    const good = sign("/a.jpg?width=9");
    for (const query of [
      // The last of equal names counts, in the text as in the meaning.
      `width=10&width=9&signature=${good}`,
      `width=9&signature=x&signature=${good}`,
      `%77idth=9&%73ignature=${good}`,
    ]) {
      expect(explain(`/a.jpg?${query}`, options)).toMatchObject({ edits: { resize: { width: 9 } } });
    }
    for (const query of [
      `width=9&width=10&signature=${good}`,
      `width=%2539&signature=${good}`,
      `%2577idth=9&signature=${good}`,
      `width=9&signature=${good}&signature=${good.slice(1)}`,
      // A letter that only looks like what parts the query, and another way to write the same letter.
      `a=1%EF%BC%86width%EF%BC%9D9&signature=${sign("/a.jpg?a=1&width=9")}`,
      `v=u%CC%88&signature=${sign("/a.jpg?v=\u00FC")}`,
      `v=a%2Bb&signature=${sign("/a.jpg?v=a b")}`,
    ]) {
      expect([query, code(`/a.jpg?${query}`)]).toEqual([query, "403 SignatureDoesNotMatch"]);
    }
    expect(code(`/a.jpg?v=%C3%BC&signature=${sign("/a.jpg?v=\u00FC")}`)).toBe("passes");
    expect(code(`/a.jpg%3Fwidth=9?signature=${good}`)).toBe("403 SignatureDoesNotMatch");
    // An end is neither taken off nor moved by one that is added, before or behind.
    const [past, soon, late] = ["20250102T040000Z", "20260102T040000Z", "20360102T040000Z"];
    expect(code(`/a.jpg?expires=${soon}&expires=${late}&signature=${sign(`/a.jpg?expires=${soon}`)}`)).toBe("403 SignatureDoesNotMatch");
    expect(code(`/a.jpg?expires=${late}&expires=${past}&signature=${sign(`/a.jpg?expires=${past}`)}`)).toBe("400 ImageRequestExpired");
  });

  it("says nothing of a key, and refuses to be on without one", () => {
    const answer = explain("/a.jpg?signature=x", options);
    expect(JSON.stringify(answer)).not.toMatch(/secret|new\b/);
    for (const keys of [[], [""], ["k", ""]])
      expect(code("/a.jpg?signature=x", { ...options, signature: { keys } })).toBe("500 SignatureValidationFailure");
  });

  it("of one URL never opens another", () => {
    const target = fc.tuple(fc.webPath(), fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string({ maxLength: 5 }), { maxKeys: 3 }));
    fc.assert(
      fc.property(target, target, ([pathA, queryA], [pathB, queryB]) => {
        const a = textToSign(`/${pathA}`, Object.entries(queryA));
        const b = textToSign(`/${pathB}`, Object.entries(queryB));
        fc.pre(a !== b && !("signature" in queryA) && !("signature" in queryB));
        const url = { path: `/${pathB}`, query: { ...queryB, signature: signText(a, "secret") } };
        expect(explain(url, options)).toMatchObject({ code: "SignatureDoesNotMatch" });
      }),
      { numRuns: 100 },
    );
  });
});

describe("thumbor's signature", () => {
  const rest = "300x200/smart/image.jpg";
  // A golden value, computed with openssl: printf '300x200/smart/image.jpg' | openssl dgst -sha1 -hmac secret -binary | base64 | tr '+/' '-_'
  const golden = "uxmK3EbB92i7xywtMwE8gh8VLEU=";

  it("is thumbor's", () => expect(signThumborPath(rest, "secret")).toBe(golden));

  const rows: [target: string, expected: string, given?: RequestOptions][] = [
    [`/${golden}/${rest}`, "passes"],
    [`/${golden}/${rest}?v=3`, "passes"],
    [`/${golden}/${rest}?width=9000`, "403 SignatureDoesNotMatch"],
    [`/${golden}/${rest}?dpr=4`, "403 SignatureDoesNotMatch"],
    [`/${golden}/${rest}?expires=20360102T040000Z`, "403 SignatureDoesNotMatch"],
    [`/${golden}/other.jpg`, "403 SignatureDoesNotMatch"],
    [`/${signThumborPath(rest, "nobody")}/${rest}`, "403 SignatureDoesNotMatch"],
    [`/${golden}/${rest}`, "400 AuthorizationQueryParametersError", { ...options, compat: "strict" }],
    [`/${golden}/${rest}`, "400 AuthorizationQueryParametersError", { ...options, signature: { keys: ["secret"], thumbor: false } }],
    [`/unsafe/${rest}`, "400 AuthorizationQueryParametersError"],
    [`/unsafe/${rest}`, "passes", { ...options, signature: { keys: ["secret"], allowUnsafe: true } }],
    [`/unsafer/${rest}`, "400 AuthorizationQueryParametersError", { ...options, signature: { keys: ["secret"], allowUnsafe: true } }],
    [
      `/unsafe/${rest}`,
      "400 AuthorizationQueryParametersError",
      { ...options, compat: "strict", signature: { keys: ["secret"], allowUnsafe: true } },
    ],
  ];
  it.each(rows)("%s: %s", (target, expected, given) => expect(code(target, given)).toBe(expected));

  it("leads to the same meaning as /unsafe", () => {
    const open = { buckets: ["validBucket"], nowMs };
    expect(parseRequest(`/${golden}/${rest}`, options)).toEqual(parseRequest(`/unsafe/${rest}`, open));
  });
  it("is told from a folder", () => {
    expect(thumborPrefix("/unsafe")).toEqual({ kind: "none" });
    expect(thumborPrefix(`/${"a".repeat(28)}/x`)).toEqual({ kind: "none" });
    expect(thumborPrefix(`/${"a".repeat(27)}=/x`)).toMatchObject({ kind: "signed", rest: "/x" });
  });
  it("is made by the builder", () => {
    const url = imageUrl({ key: "a b.jpg", form: "thumbor", edits: { resize: { width: 300, height: 200, position: "attention" } } });
    expect(code(url.signThumbor("new").toString())).toBe("passes");
    expect(code(url.sign("new").toString())).toBe("passes");
  });
});

describe("expires", () => {
  const rows: [text: string, expected: number | string][] = [
    ["20260102T030405Z", 0],
    ["20260102T030406Z", 1],
    ["20260103T030405Z", 86_400],
    ["20280229T000000Z", (Date.UTC(2028, 1, 29) - nowMs) / 1000],
    ["99991231T235959Z", (Date.UTC(9999, 11, 31, 23, 59, 59) - nowMs) / 1000],
    ["20260102T030404Z", "ImageRequestExpired"],
    ["19700102T120304Z", "ImageRequestExpired"],
    ["00000101T000000Z", "ImageRequestExpired"],
    ["", "ImageRequestExpiryFormat"],
    ["2026-01-02T03:04:05Z", "ImageRequestExpiryFormat"],
    ["20270229T000000Z", "ImageRequestExpiryFormat"],
    ["20260431T000000Z", "ImageRequestExpiryFormat"],
    ["20261301T000000Z", "ImageRequestExpiryFormat"],
    ["20260100T000000Z", "ImageRequestExpiryFormat"],
    ["20260102T240000Z", "ImageRequestExpiryFormat"],
    ["20260102T036005Z", "ImageRequestExpiryFormat"],
    ["20260102T030460Z", "ImageRequestExpiryFormat"],
    ["20260102T030405", "ImageRequestExpiryFormat"],
    ["20260102T030405z", "ImageRequestExpiryFormat"],
    ["20260102T030405Z ", "ImageRequestExpiryFormat"],
    ["20260102T030405.5Z", "ImageRequestExpiryFormat"],
    ["1767323045", "ImageRequestExpiryFormat"],
    ["", "ImageRequestExpiryFormat"],
    ["20261231T235960Z", "ImageRequestExpiryFormat"],
    ["20260102t030405Z", "ImageRequestExpiryFormat"],
    ["+20260102T030405Z", "ImageRequestExpiryFormat"],
    ["20260102T030405Z\0", "ImageRequestExpiryFormat"],
    ["00000101T000000Z", "ImageRequestExpired"],
    ["99991231T235959Z", 251_634_977_754],
    ["２０２６0102T030405Z", "ImageRequestExpiryFormat"],
  ];
  const outcome = (text: string): number | string | undefined => {
    try {
      return readExpiry(text, nowMs);
    } catch (error) {
      return (error as StockroomError).code;
    }
  };
  it.each(rows)("%s", (text, expected) => expect(outcome(text)).toBe(expected));
  it("becomes the Cache-Control of the answer, whole seconds cut off", () => {
    const read = parseRequest("/a.jpg?expires=20260102T030410Z", { buckets: ["b"], nowMs: nowMs + 1 });
    expect(read).toMatchObject({ cacheControl: "max-age=4,public", secondsToExpiry: 4 });
    expect(parseRequest("/a.jpg", { buckets: ["b"] })).not.toHaveProperty("cacheControl");
  });
  it("is judged only against a time", () =>
    expect(code("/a.jpg?expires=20260102T030410Z", { buckets: ["b"] })).toBe("500 ExpiryDateCheckFailure"));
  it("is read as it is written", () => {
    const ms = fc.integer({ min: Math.ceil(nowMs / 1000), max: Date.UTC(9999, 0) / 1000 }).map((seconds) => seconds * 1000);
    fc.assert(
      fc.property(ms, (at) => {
        expect(readExpiry(formatExpiry(at), nowMs)).toBe((at - nowMs) / 1000);
      }),
    );
  });
});
