import { expect, it } from "vitest";
import { batchAccess, concealed, logAccess, type Access } from "./access.ts";
import type { Log } from "../log.ts";

const access: Access = { method: "GET", target: "/", status: 200, outcome: "hit", bytes: 5, ms: 1.26, from: "::1" };

it("writes one JSON object a line, whatever the target holds", () => {
  let text = "";
  const log = batchAccess("images", (lines) => (text += lines));
  for (const target of ["/a.jpg", '/"\\\n\u2028é%22.jpg', `/${"x".repeat(5_000)}`]) log.write({ ...access, target });
  log.write({ ...access, target: "/none", status: 404, code: "NoSuchKey", bytes: 0 });
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

it("keeps the query out of the log, and probes that say nothing below its usual level", () => {
  const lines: unknown[] = [];
  const write =
    (level: string): Log["info"] =>
    (message, facts) =>
      void lines.push([level, message, facts?.["path"], facts?.["status"]]);
  const log: Log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error"), child: () => log };
  const into = logAccess(log);
  for (const [target, status] of [
    ["/api/runs?state=done", 200],
    ["/health", 200],
    ["/metrics?x", 503],
    ["/healthy", 200],
  ] as const)
    into.write({ ...access, target, status });
  expect(lines).toEqual([
    ["info", "request", "/api/runs", 200],
    ["debug", "request", "/health", 200],
    ["info", "request", "/metrics", 503],
    ["info", "request", "/healthy", 200],
  ]);
});
