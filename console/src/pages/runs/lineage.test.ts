import { expect, it } from "vitest";
import { fileOf, linksIn } from "./lineage.ts";

it("finds objects with their versions, lines, models, groups and runs, each once", () => {
  const input = {
    line: "GBR-UK15",
    key: "classify/labelled/GBR/june.csv",
    version: "01HX",
    beside: ["classify/labelled/GBR/june.csv", "a note with / in it", "forecast/exports/retail/r1/forecast.csv"],
  };
  expect(linksIn(input)).toEqual([
    { kind: "object", name: "classify/labelled/GBR/june.csv", version: "01HX" },
    { kind: "line", name: "GBR-UK15" },
    { kind: "object", name: "forecast/exports/retail/r1/forecast.csv" },
  ]);
  expect(linksIn({ group: "retail", result: { run: "group/retail/3", model: "m1" } })).toEqual([
    { kind: "group", name: "retail" },
    { kind: "model", name: "m1" },
    { kind: "run", name: "group/retail/3" },
  ]);
  expect(linksIn({ runId: "forecast/shop/181", run: "20261130T155748Z-f370d1ea" })).toEqual([
    { kind: "forecast", name: "20261130T155748Z-f370d1ea" },
    { kind: "run", name: "forecast/shop/181" },
  ]);
  expect(fileOf(input)).toEqual({ kind: "object", name: "classify/labelled/GBR/june.csv", version: "01HX" });
});

it("makes no link of what only looks like one", () => {
  expect(linksIn({ line: "line 3 of the file", key: "secrets", title: "classify/" })).toEqual([]);
  expect(linksIn(null)).toEqual([]);
});
