import { expect, it } from "vitest";
import { requestOf } from "../../../test/kit/pictures.ts";
import type { ImageRequest, UrlRequest } from "../engine/plan.ts";
import { makeUrlMemo } from "./url-memo.ts";

/** Understands `/KEY`; counts how often it was asked. */
function makeMemo(change: (url: UrlRequest) => Partial<ImageRequest> = () => ({})) {
  const state = { parsed: 0, now: 1_000 };
  const parse = (url: UrlRequest): ImageRequest => {
    state.parsed += 1;
    return requestOf({}, { key: url.path.slice(1), ...change(url) });
  };
  return { memo: makeUrlMemo({ parse, nowMs: () => state.now }), state };
}

const asked = (target: string, headers: Readonly<Record<string, string>> = {}) => ({ target, header: (name: string) => headers[name] });

it("understands a URL once, and gives the ids of its plan and its original (U1)", () => {
  const { memo, state } = makeMemo();
  const first = memo.understand(asked("/a.jpg?x=1"));
  expect(memo.understand(asked("/a.jpg?x=1"))).toBe(first);
  expect(state.parsed).toBe(1);
  // Another URL of the same meaning is the same picture.
  const other = memo.understand(asked("/a.jpg?x=2"));
  expect([other.id, other.sourceId]).toEqual([first.id, "photos\na.jpg"]);
  expect(memo.understand(asked("/b.jpg")).id).not.toBe(first.id);
});

it("keeps callers apart whose headers matter, and forgets what was understood before a header mattered (U1)", () => {
  // Like client hints: the second header is looked at only by those who do not send the first.
  const { memo, state } = makeMemo(({ headers }) => {
    const { width, dpr } = headers as Record<string, string | undefined>;
    return width === undefined
      ? { vary: ["Width", "DPR"], edits: { resize: { height: dpr ?? "none" } } }
      : { vary: ["Width"], edits: { resize: { width } } };
  });
  const ids = (): string[] =>
    [{ width: "100" }, { width: "200" }, {}, { dpr: "2" }].map(
      (headers) => memo.understand(asked("/a.jpg", headers as Record<string, string>)).id,
    );
  const first = ids();
  expect(new Set(first).size).toBe(4);
  expect(ids()).toEqual(first);
  const before = state.parsed;
  expect(ids()).toEqual(first);
  expect(state.parsed).toBe(before);
  // A header that no meaning names makes no difference.
  memo.understand(asked("/a.jpg", { width: "100", accept: "image/webp" }));
  expect(state.parsed).toBe(before);
});

it("understands what expires anew each time, with the time that is left (U2)", () => {
  const { memo, state } = makeMemo(() => ({ secondsToExpiry: 60 }));
  expect(memo.understand(asked("/a.jpg")).endsAtMs).toBe(61_000);
  state.now = 2_000;
  expect(memo.understand(asked("/a.jpg")).endsAtMs).toBe(62_000);
  expect(state.parsed).toBe(2);
});

it("keeps neither a URL past its length nor more than sixteen meanings of one (U3)", () => {
  const { memo, state } = makeMemo(({ headers }) => ({ vary: ["Width"], edits: { resize: { width: String(headers?.["width"]) } } }));
  const long = `/${"a".repeat(2_048)}`;
  memo.understand(asked(long));
  memo.understand(asked(long));
  expect(state.parsed).toBe(2);
  const round = (): void => {
    for (let width = 0; width < 20; width++) memo.understand(asked("/a.jpg", { width: String(width) }));
  };
  round();
  round();
  expect(state.parsed).toBe(2 + 20 + 4);
});

it("tells both readings of a URL, with all that either hangs on", () => {
  const second = { vary: ["Accept"], key: "b.jpg" } as unknown as ImageRequest;
  const { memo, state } = makeMemo(() => ({ vary: ["DPR"], otherwise: { ...second, edits: {}, bucket: "photos" } }));
  const one = memo.understand(asked("/a.jpg", { accept: "image/webp" }));
  expect(one.otherwise?.sourceId).toBe("photos\nb.jpg");
  memo.understand(asked("/a.jpg", { accept: "image/avif" }));
  expect(state.parsed).toBe(2);
});

it("remembers no mistake", () => {
  let tries = 0;
  const memo = makeUrlMemo({
    parse: () => {
      tries += 1;
      throw new Error("no such URL");
    },
    nowMs: () => 0,
  });
  for (let round = 0; round < 2; round++) expect(() => memo.understand(asked("/%"))).toThrow("no such URL");
  expect(tries).toBe(2);
});
