// Where a file is put: the key says what it is, and what starts by it.

import type { CatalogueProposal, ForecastProposal } from "./look.ts";

export const kinds = [
  { value: "target", name: "Sales to forecast", module: "forecast" },
  { value: "related", name: "Numbers beside the sales (prices, promotions)", module: "forecast" },
  { value: "metadata", name: "What is known of the items", module: "forecast" },
  { value: "labelled", name: "Items with their right codes, to learn from", module: "classify" },
  { value: "sales", name: "Items sold in a month, to be coded", module: "classify" },
  { value: "other", name: "A file to be kept", module: undefined },
] as const;

export type FileKind = (typeof kinds)[number]["value"];

export interface Place {
  readonly kind: FileKind;
  readonly group: string;
  readonly country: string;
  readonly period: string;
  /** Whole, of kind `other`. */
  readonly key: string;
}

const tableEnding = /\.(?:csv|tsv|txt|jsonl|parquet|xlsx|zip)(?:\.gz)?$/i;

export const endingOf = (file: string): string => (tableEnding.exec(file)?.[0] ?? ".csv").toLowerCase();

/** A file's name as one of a group: letters, digits, `_` and `-`, a letter first. */
export function groupOf(file: string): string {
  const stem = file.slice(file.lastIndexOf("/") + 1).split(".")[0] ?? "";
  const plain = stem
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9_-]+/g, "_")
    .replace(/^[^A-Za-z]+/, "")
    .replace(/_+$/, "");
  return plain === "" ? "sales" : plain;
}

/** A country, a month and a name, as a file's name tells them. */
export function placeOf(file: string, kind: FileKind): Place {
  return {
    kind,
    group: groupOf(file),
    country: /(?:^|[^A-Za-z])([A-Z]{3})(?:[^A-Za-z]|$)/.exec(file)?.[1] ?? "",
    period: /(\d{4})[-_.]?(0[1-9]|1[0-2])(?!\d)/.exec(file)?.slice(1, 3).join("-") ?? "",
    key: file,
  };
}

/** What a file most likely is: of what the modules see in it. */
export function likelyKind(forecast: ForecastProposal | undefined, catalogue: CatalogueProposal | undefined): FileKind {
  if (catalogue?.hasLabel === true && (forecast === undefined || forecast.questions.length > 0)) return "labelled";
  return forecast === undefined ? "other" : "target";
}

/** The key, or what is missing before there is one. */
export function keyOf({ kind, group, country, period, key }: Place, file: string): { readonly key: string } | { readonly missing: string } {
  const ending = endingOf(file);
  if (kind === "other") return /^[^/\s][^\s]*[^/]$|^[^/\s]$/.test(key) ? { key } : { missing: "Give the file a key without spaces." };
  if (kind === "labelled" || kind === "sales") {
    if (country !== "" && !/^[A-Z]{2,3}$/.test(country)) return { missing: "Give the country by its letters, such as GBR." };
    if (kind === "labelled") return { key: `classify/labelled/${country === "" ? "" : `${country}/`}${groupOf(file)}${ending}` };
    if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(period)) return { missing: "Give the month, such as 2026-10." };
    return country === "" ? { missing: "Give the country, such as GBR." } : { key: `classify/sales/${period}/${country}${ending}` };
  }
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(group)) return { missing: "Give the group a name of letters, digits, - and _, a letter first." };
  return { key: `forecast/train/${group}${kind === "target" ? "" : `.${kind}`}${ending}` };
}
