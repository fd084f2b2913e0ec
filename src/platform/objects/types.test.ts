import { expect, it } from "vitest";
import { contentTypeOf } from "./types.ts";

it.each([
  ["classify/labelled/GBR/June.CSV", undefined, "text/csv"],
  ["a/b.jsonl", "application/octet-stream", "application/jsonl"],
  ["a/b.ndjson", "binary/octet-stream", "application/jsonl"],
  ["photos/cat.avif", "application/x-www-form-urlencoded", "image/avif"],
  ["june.csv.gz", "", "application/gzip"],
  ["forecast-defaults.yaml", "Application/Octet-Stream; charset=binary", "application/yaml"],
  ["june.csv", "text/csv; charset=iso-8859-1", "text/csv; charset=iso-8859-1"],
  ["june.csv", "text/plain", "text/plain"],
  ["a.csv/june", undefined, "application/octet-stream"],
  ["constructor.toString", undefined, "application/octet-stream"],
  ["no-ending", undefined, "application/octet-stream"],
])("%s sent as %s is %s", (name, sent, type) => {
  expect(contentTypeOf(name, sent)).toBe(type);
});
