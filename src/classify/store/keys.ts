// Keys: where in the store everything of this module lies, and which keys it waits for.
//
//   K1. Where an object lies says what it is; nothing else about a file's name matters.

import { tableEndings } from "../../platform/formats/index.ts";
import type { Hole, KeyPattern } from "../../platform/objects/awaited.ts";
import { isCountry, isPeriod } from "../engine/lines.ts";

/** What an object's key says about it. */
export type ClassifyKey =
  | { readonly kind: "labelled"; readonly country: string | undefined }
  | { readonly kind: "sales"; readonly period: string; readonly country: string }
  | { readonly kind: "scheme" }
  | { readonly kind: "other" };

export const prefixes = {
  labelled: "classify/labelled/",
  tests: "classify/tests/",
  /** Columns of a training under way; removed when it has its model. */
  prepared: "classify/prepared/",
  sales: "classify/sales/",
  models: "classify/models/",
  predictions: "classify/predictions/",
  review: "classify/review/",
  reports: "classify/reports/",
  rejected: "classify/rejected/",
  schemes: "classify/schemes/",
} as const;

/**
 * Says what an object is by where it lies:
 * `classify/labelled/GBR/june.csv` (or without the country folder: the rows' country column decides),
 * `classify/sales/2026-10/GBR.csv`, `classify/sales/2026-10/GBR/part-1.csv`, `classify/schemes/uk.yaml`.
 */
export function readKey(key: string): ClassifyKey {
  if (key.startsWith(prefixes.labelled)) {
    const [folder = "", ...rest] = key.slice(prefixes.labelled.length).split("/");
    return { kind: "labelled", country: rest.length > 0 && isCountry(folder) ? folder : undefined };
  }
  if (key.startsWith(prefixes.sales)) {
    const [period = "", place = ""] = key.slice(prefixes.sales.length).split("/");
    const country = place.split(".")[0] ?? "";
    if (isPeriod(period) && isCountry(country)) return { kind: "sales", period, country };
    return { kind: "other" };
  }
  return key.startsWith(prefixes.schemes) ? { kind: "scheme" } : { kind: "other" };
}

/** A version of an object, as events and rows name it. */
export type ObjectRef = { readonly key: string; readonly version: string };

const country: Hole = { name: "country, such as GBR", fits: /^[A-Z]{2,3}$/, repair: (text) => text.toUpperCase() };

const period: Hole = {
  name: "period, such as 2026-10",
  fits: /^\d{4}-(0[1-9]|1[0-2])$/,
  repair: (text) =>
    text.replace(
      /^(\d{4})\D?(\d{1,2})\D.*$|^(\d{4})\D?(\d{1,2})$/,
      (_, y1, m1, y2, m2) => `${y1 ?? y2}-${String(m1 ?? m2).padStart(2, "0")}`,
    ),
};

const file: Hole = { name: "name", fits: /^[^/]+$/ };

/** As the reader of tables knows them; without an ending the bytes tell. */
const tables: readonly string[] = [...tableEndings, ""];

/** The keys this module waits for: subscriptions and the hints of uploads are made of them. */
export const awaited = {
  labelled: { keys: `${prefixes.labelled}.../{file}.{ending}`, holes: { file }, endings: tables, anyCase: true },
  sales: { keys: `${prefixes.sales}{period}/{country}.{ending}`, holes: { period, country }, endings: tables, anyCase: true },
  salesParts: {
    keys: `${prefixes.sales}{period}/{country}/.../{file}.{ending}`,
    holes: { period, country, file },
    endings: tables,
    anyCase: true,
  },
  schemes: {
    keys: `${prefixes.schemes}.../{file}.{ending}`,
    holes: { file },
    endings: ["yaml", "yml", "json", ...tableEndings],
    anyCase: true,
  },
} as const satisfies Readonly<Record<string, KeyPattern>>;
