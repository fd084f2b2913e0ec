// The pages of the site, before its tool sees them: each document is one, and every link of one leads to a page, a heading or a file that is copied.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { brokenLinks } from "./links.ts";
import { pagesOf, pageText, placeOf } from "./site-pages.ts";

const root = path.resolve(import.meta.dirname, "..");

test("every document is a page, and every link of one leads somewhere", async () => {
  const { pages, files } = await pagesOf(root, async (file) => await readFile(path.join(root, file), "utf8"));
  expect(pages.length).toBeGreaterThan(70);
  const places = pages.map(({ to }) => to);
  expect(places.filter((place, at) => places.indexOf(place) !== at)).toEqual([]);
  const copied = new Set(files.map((file) => `/${file}`));
  const broken = brokenLinks(
    pages.map(({ to, text }) => ({ name: to, text })),
    places,
  );
  expect(broken.filter((told) => !copied.has(told.split(": ")[1] ?? ""))).toEqual([]);
});

test("links go to where pages lie, and what is no page is copied or left out", () => {
  expect(["docs/README.md", "README.md", "bench/results/a.md", "decisions/README.md", "src/a.md"].map(placeOf)).toEqual([
    "index.md",
    "project/readme.md",
    "measured/a.md",
    "decisions/index.md",
    undefined,
  ]);
  const text = [
    "See [the\nrunbook](../../RUNBOOK.md#a), [here](#b), [far](https://example.com), [one](../../examples/a.ts), [all](../../examples), [licence](../../LICENSE),",
    "`[code](none.md) <x> {{ y }}`, <group> and {{ z }}<br>.",
    "",
    "    {{ block }} <x>",
    "```examples",
    "/a => {{}}",
    "```",
  ].join("\n");
  const files = new Set<string>();
  const isFile = (file: string): boolean => ["RUNBOOK.md", "LICENSE", "examples/a.ts"].includes(file);
  expect(pageText({ from: "docs/how-to/a.md", to: "how-to/a.md", text }, { isFile, files })).toBe(
    [
      "See [the\nrunbook](../project/runbook.md#a), [here](#b), [far](https://example.com), [one](/examples/a.ts), all, licence,",
      "`[code](none.md) <x> {{ y }}`, &lt;group> and &#123;&#123; z }}<br>.",
      "",
      "    {{ block }} <x>",
      "```text",
      "/a => {{}}",
      "```",
    ].join("\n"),
  );
  expect([...files]).toEqual(["examples/a.ts"]);
});
