import { describe, expect, test } from "vitest";
import { hintOf, isAwaited, prefixOf, type Hole, type KeyPattern } from "./awaited.ts";

const group: Hole = { name: "group", fits: /^[A-Za-z][A-Za-z0-9_-]*$/, repair: (text) => text.replaceAll(/[^A-Za-z0-9_-]+/g, "_") };
const place: Hole = { name: "place, such as GBR", fits: /^[A-Z]{3}$/, repair: (text) => text.toUpperCase() };
const file: Hole = { name: "name", fits: /^[^/]+$/ };

const patterns: readonly KeyPattern[] = [
  { keys: "forecast/train/.../{group}.{ending}", holes: { group }, endings: ["csv", "parquet", "related.csv", "metadata.csv", "csv.gz"] },
  { keys: "forecast-defaults.yaml" },
  { keys: "secrets/.../{name}", starts: false },
  { keys: "forecast/stock/{group}.{ending}", holes: { group }, endings: ["csv"], starts: false },
  { keys: "classify/labelled/.../{file}.{ending}", holes: { file }, endings: ["csv", "jsonl", ""], anyCase: true },
  {
    keys: "classify/sales/{period}/{place}.{ending}",
    holes: { place, period: { name: "period", fits: /^\d{4}-\d\d$/ } },
    endings: ["csv"],
  },
];

const meant = (key: string): string | undefined => /did you mean (.*)\?$/.exec(hintOf(patterns, key) ?? "")?.[1];

describe("a key that something waits for", () => {
  test.each([
    "forecast/train/shop.csv",
    "forecast/train/2026/10/shop.related.csv",
    "forecast-defaults.yaml",
    "forecast/stock/shop.csv",
    "classify/labelled/june.2026.CSV",
    "classify/labelled/GBR/june",
    "classify/sales/2026-10/GBR.csv",
  ])("%s has no hint", (key) => {
    expect(hintOf(patterns, key)).toBeUndefined();
    expect(isAwaited(patterns, key)).toBe(true);
  });
});

describe("a key that nothing waits for", () => {
  test.each([
    ["train/x.csv", "forecast/train/x.csv"],
    ["forecast/x.csv", "forecast/train/x.csv or forecast/stock/x.csv"],
    ["forecast/trian/x.csv", "forecast/train/x.csv"],
    ["forcast/train/x.related.csv", "forecast/train/x.related.csv"],
    ["Forecast/Train/x.csv", "forecast/train/x.csv"],
    ["forecast/train/x.CSV", "forecast/train/x.csv"],
    ["forecast/train/x.xlsx", "forecast/train/x.csv"],
    ["forecast/train/x.relatd.csv", "forecast/train/x.related.csv"],
    ["forecast/train/x.2026.csv", "forecast/train/x.csv"],
    ["forecast/train/x.target.csv", "forecast/train/x.csv"],
    ["forecast/train/x.related.xlsx", "forecast/train/x.related.csv"],
    ["forecast\\train\\x.csv", "forecast/train/x.csv"],
    ["forecast//train/x.csv", "forecast/train/x.csv"],
    ["/forecast/train/x.csv", "forecast/train/x.csv"],
    ["forecast/train/my shop.csv", "forecast/train/my_shop.csv"],
    ["forecast/train/2026.csv", "forecast/train/<group>.csv"],
    ["data/forecast/train/x.csv", "forecast/train/x.csv"],
    ["forecast-default.yaml", "forecast-defaults.yaml"],
    ["forecast-defaults.yml", "forecast-defaults.yaml"],
    ["config/forecast-defaults.yaml", "forecast-defaults.yaml"],
    ["classify/labeled/GBR/june.csv", "classify/labelled/GBR/june.csv"],
    ["classify/labelled/GBR/june.xlsx", "classify/labelled/GBR/june.csv"],
    ["classify/sales/2026-10/gbr.csv", "classify/sales/2026-10/GBR.csv"],
    ["classify/sales/GBR.csv", "classify/sales/<period>/GBR.csv"],
    ["sales/2026-10/GBR.csv", "classify/sales/2026-10/GBR.csv"],
    ["forecast/stok/x.csv", "forecast/stock/x.csv"],
    ["forecast/training/x.csv", "forecast/train/x.csv"],
    ["forecast/train2026/x.csv", "forecast/train/x.csv"],
    ["forecast/train/forecast-defaults.yaml", "forecast-defaults.yaml"],
    ["defaults.yaml", "forecast-defaults.yaml"],
    ["classify/labels/GBR/june.csv", "classify/labelled/GBR/june.csv"],
    ["classify/sales/2026/10/GBR.csv", "classify/sales/2026-10/GBR.csv"],
  ])("%s was meant as %s", (key, right) => {
    expect(meant(key)).toBe(right);
    expect(isAwaited(patterns, key)).toBe(false);
  });

  test.each(["notes/readme.txt", "pictures/a/b/c.png", "backup.tar", "x"])("%s is told without a guess that is none", (key) => {
    expect(hintOf(patterns, key)).toMatch(/^nothing waits for such a key/);
  });

  test("may be meant as one of two", () => {
    expect(meant("x.csv")).toContain("forecast/train/x.csv");
    expect(meant("x.csv")).not.toContain("secrets");
    expect(meant("secret/sap.json")).toBe("secrets/sap.json");
    expect(hintOf(patterns, "notes/readme.csv")).toBe("nothing waits for such a key");
  });
});

test("subscriptions take the beginning of a pattern", () => {
  expect(patterns.map(prefixOf)).toEqual([
    "forecast/train/",
    "forecast-defaults.yaml",
    "secrets/",
    "forecast/stock/",
    "classify/labelled/",
    "classify/sales/",
  ]);
});
