// The documents hold: every example of docs/reference/images-urls.md and of the guides for those who move here is run; every filter and error code
// of ours stands in the former.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { editNames } from "../plan.ts";
import { filterNames } from "./filters.ts";
import * as stockroom from "./index.ts";

const read = (name: string): string => readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), "utf8");
const document = read("reference/images-urls.md");
const blocks = (kind: string, text = document): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\`$`, "gm"))].map((match) => match[1] ?? "");
const options = { buckets: ["photos", "marks"], nowMs: 0 };

const pathsIn = (text: string): string[] => blocks("examples", text).flatMap((block) => block.trim().split("\n"));
const jsonIn = (text: string): string[] => blocks("json-examples", text).flatMap((block) => block.trim().split(/\n(?=\{)/));
const examples = pathsIn(document);
const jsonExamples = jsonIn(document);
const guides = ["aws-image-handler", "thumbor", "imgproxy"].map((name) => read(`how-to/migrate-${name}.md`));
const pairs = [...examples, ...jsonExamples, ...guides.flatMap((text) => [...pathsIn(text), ...jsonIn(text)])].map((example) => {
  const at = example.lastIndexOf("=>");
  return [example.slice(0, at).trim(), example.slice(at + 2).trim()] as const;
});

describe("docs/reference/images-urls.md", () => {
  it("has examples of every kind", () =>
    expect([examples.length > 12, jsonExamples.length > 6, blocks("ts").length]).toEqual([true, true, 1]));

  it.each(pairs)("%s", (given, expected) => {
    const path = given.startsWith("{") ? `/${Buffer.from(given).toString("base64")}` : given;
    const answer = stockroom.explain(path, options);
    expect("status" in answer ? `${answer.status} ${answer.code}` : answer.edits).toEqual(
      expected.startsWith("{") ? JSON.parse(expected) : expected,
    );
  });

  const rows = [...document.matchAll(/^\| `(\w+)\([^|]*(?:\\\|[^|]*)*\|[^|]*\| `([^`]+)` \|$/gm)].map(
    (match) => [match[1] ?? "", match[2] ?? ""] as const,
  );
  it.each(rows)("%s: %s", (name, path) => {
    expect(path).toContain(`${name}(`);
    expect(stockroom.parseRequest(path, options).key).toMatch(/^shoe\.\w+$/);
  });
  it("leaves no filter out", () => {
    expect(rows.length).toBe(filterNames.length - 1);
    expect(filterNames.filter((name) => !document.includes(`${name}(`))).toEqual([]);
  });
  it("leaves no edit out", () => {
    const words = new Set(document.match(/\w+/g));
    expect(editNames.filter((name) => !words.has(name))).toEqual([]);
  });
  it("leaves no code out", () => {
    const files = ["edits", "headers", "kind", "presets", "refusal", "signature", "url", "parse"];
    const source = files.map((file) => readFileSync(new URL(`./${file}.ts`, import.meta.url), "utf8")).join("\n");
    const codes = [...source.matchAll(/refusal\(\s*(?:\/\/[^\n]*\s*)*(?:\w+ \? \d+ : )?4\d\d,\s*"([\w:]+)"/g)].map(
      (match) => match[1] ?? "",
    );
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !document.includes(`\`${code}\``))).toEqual([]);
  });

  it("runs its program", () => {
    const [program = ""] = blocks("ts");
    const printed: string[] = [];
    const body = program.replace(/import (\{[^}]*\}) from "stockroom\/images";/, "const $1 = stockroom;");
    // oxlint-disable-next-line typescript/no-implied-eval -- the program of our own document
    new Function("stockroom", "console", body)(stockroom, { log: (text: string) => printed.push(text) });
    const shown = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]);
    expect(printed).toEqual(shown);
  });
});
