import { expect, it } from "vitest";
import { concealed, makeAccessLog } from "./access.ts";
import type { Reply } from "./contract.ts";

const reply: Reply = { status: 200, headers: {}, body: new Uint8Array(5), outcome: "hit" };

it("writes one JSON object a line, whatever the target holds", () => {
  let text = "";
  const log = makeAccessLog((lines) => (text += lines));
  for (const target of ["/a.jpg", '/"\\\n\u2028é%22.jpg', `/${"x".repeat(5_000)}`])
    log.write({ method: "GET", target }, reply, 1.26, "::1");
  log.write({ method: "GET", target: "/none" }, { ...reply, status: 404, code: "NoSuchKey", body: undefined }, 0, "");
  expect(text).toBe("");
  log.close();
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatchObject({ method: "GET", target: "/a.jpg", status: 200, outcome: "hit", bytes: 5, ms: 1.3, from: "::1" });
  expect(lines.map(({ target }) => target)).toEqual(["/a.jpg", '/"\\\n\u2028é%22.jpg', `/${"x".repeat(999)}...`, "/none"]);
  expect(lines[3]).toMatchObject({ status: 404, code: "NoSuchKey", bytes: 0 });
});

it("never writes a signature down, however its name is spelled", () => {
  for (const target of [
    "/a.jpg?signature=abc",
    "/a.jpg?x=1&signature=abc&y=2",
    "/a.jpg?%73ignature=abc",
    "/a.jpg?s%69gnature=abc",
    "/a.jpg?Signature=abc",
    "/0123456789_-abcdefghijklmno=/300x200/a.jpg",
  ]) {
    const shown = concealed(target);
    expect([target, /=abc|abcdefghi/.test(shown), shown.includes("[secret]")]).toEqual([target, false, true]);
  }
  expect(concealed("/a.jpg?size=3&v=1")).toBe("/a.jpg?size=3&v=1");
});
