import { expect, test } from "vitest";
import { misplacedKind } from "./remark.ts";

test.each([
  ["forecast/train/retail_related.csv", "forecast/train/retail.related.csv"],
  ["forecast/train/retail-metadata.csv.gz", "forecast/train/retail.metadata.csv.gz"],
  ["forecast/train/2026/retail_meta.parquet", "forecast/train/retail.metadata.parquet"],
  ["forecast/train/retail_target.csv", "forecast/train/retail.csv"],
  ["forecast/train/Retail-Events.csv", "forecast/train/Retail.events.csv"],
  ["forecast/train/related/retail.csv", "forecast/train/retail.related.csv"],
  ["forecast/train/Metadata/retail.jsonl", "forecast/train/retail.metadata.jsonl"],
])("%s is read as a target, and was meant as %s", (key, meant) => {
  expect(misplacedKind(key)).toContain(`did you mean ${meant}?`);
});

test.each([
  "forecast/train/retail.csv",
  "forecast/train/retail.related.csv",
  "forecast/train/related/retail.related.csv",
  "forecast/train/2026/retail.csv",
  "forecast/train/target/retail.csv",
  "forecast/train/unrelated.csv",
  "forecast/train/related.csv",
])("%s is what it says", (key) => {
  expect(misplacedKind(key)).toBeUndefined();
});
